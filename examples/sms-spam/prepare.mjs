#!/usr/bin/env node
// SMS Spam Collection -> out/{train,validation,test}.jsonl, rows { text, label: 'ham' | 'spam' }.
//
//   node examples/sms-spam/prepare.mjs [--data ../shared/datasets/sms-spam]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasetFolder, outputBeside, writeParts } from '../prepare/dataset-folder.mjs'
import { splitByHash } from '../prepare/split.mjs'

const folder = datasetFolder('sms-spam', ['SMSSpamCollection'])
// label<TAB>text without quoting, below one header line.
const lines = readFileSync(join(folder, 'SMSSpamCollection'), 'utf8').split(/\r?\n/).slice(1).filter(Boolean)
const rows = lines.map((line) => {
  const tab = line.indexOf('\t')
  return { text: line.slice(tab + 1).trim(), label: line.slice(0, tab) }
})
// Many messages were forwarded and stand in the file several times: by the hash they stay together.
const parts = splitByHash(rows, ({ text }) => text, { 7: 'validation', 8: 'test', 9: 'test' })
writeParts(outputBeside(import.meta.url), parts)
