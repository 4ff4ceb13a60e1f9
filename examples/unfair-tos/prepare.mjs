#!/usr/bin/env node
// Sentences of terms of service, 8 kinds of possibly unfair clause and Other -> out/{train,validation,test}.jsonl,
// rows { text, label }. Nine sentences in ten are Other.
//
//   node examples/unfair-tos/prepare.mjs [--data ../shared/datasets/legal-unfair-tos]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { datasetFolder, outputBeside, writeParts } from '../prepare/dataset-folder.mjs'
import { splitByHash } from '../prepare/split.mjs'

const folder = datasetFolder('legal-unfair-tos', ['data.tsv'])
const lines = readFileSync(join(folder, 'data.tsv'), 'utf8').split(/\r?\n/).slice(1).filter(Boolean)
const rows = lines.map((line) => {
  const [text, label] = line.split('\t')
  return { text, label }
})
const parts = splitByHash(rows, ({ text }) => text, { 7: 'validation', 8: 'test', 9: 'test' })
writeParts(outputBeside(import.meta.url), parts)
