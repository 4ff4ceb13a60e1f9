#!/usr/bin/env node
// GSM8K: word problems with worked solutions -> out/{train,validation,test}.jsonl, rows { text: the problem, label: how many
// steps its solution takes }.
//
//   node examples/gsm8k-steps/prepare.mjs [--data ../shared/datasets/gsm8k]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { datasetFolder, outputBeside, writeParts } from '../prepare/dataset-folder.mjs'
import { splitByHash } from '../prepare/split.mjs'

const folder = datasetFolder('gsm8k', ['train.jsonl.gz', 'test.jsonl'])
const problems = read(gunzipSync(readFileSync(join(folder, 'train.jsonl.gz'))))
const { train, validation } = splitByHash(problems, ({ text }) => text, { 0: 'validation' })
writeParts(outputBeside(import.meta.url), { train, validation, test: read(readFileSync(join(folder, 'test.jsonl'))) })

function read(bytes) {
  const lines = bytes.toString('utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    const { question, answer } = JSON.parse(line)
    // One step a line; the last line, #### and the result, is none.
    const steps = answer.split('####')[0].trim().split('\n')
    return { text: question, label: steps.length }
  })
}
