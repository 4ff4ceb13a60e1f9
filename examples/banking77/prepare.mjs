#!/usr/bin/env node
// banking77: questions of a bank's customers, each with one of 77 intents -> out/{train,validation,test}.jsonl, rows { text, label }.
//
//   node examples/banking77/prepare.mjs [--data ../shared/datasets/banking77]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { datasetFolder, outputBeside, writeParts } from '../prepare/dataset-folder.mjs'
import { splitByHash } from '../prepare/split.mjs'

const folder = datasetFolder('banking77', ['train.csv', 'test.csv'])
const read = (file) =>
  parse(readFileSync(join(folder, file), 'utf8'), { columns: true }).map(({ text, category }) => ({
    text,
    label: category,
  }))

// The test set is as published. A tenth of the training set is held out to choose the settings and the best epoch by.
const { train, validation } = splitByHash(read('train.csv'), ({ text }) => text, { 0: 'validation' })
writeParts(outputBeside(import.meta.url), { train, validation, test: read('test.csv') })
