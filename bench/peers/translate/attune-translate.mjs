#!/usr/bin/env node
// Trains the T5 of config.json in attune on out/steps.jsonl and translates out/test.jsonl. Prints one JSON line, the same fields
// as torch_translate.py; the translations are in out/attune.txt.
//
//   node bench/peers/translate/attune-translate.mjs [--threads 2] [--steps 2000]
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Model } from 'attune'
import { outputBeside } from '../../../examples/prepare/dataset-folder.mjs'

const settings = JSON.parse(readFileSync(new URL('settings.json', import.meta.url), 'utf8'))
const { values } = parseArgs({
  options: { threads: { type: 'string', default: '2' }, steps: { type: 'string', default: String(settings.steps) } },
})
const output = outputBeside(import.meta.url)
const read = (name) =>
  readFileSync(join(output, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const steps = read('steps.jsonl').slice(0, Number(values.steps))
const test = read('test.jsonl')
const { learningRate, warmupSteps, weightDecay, maxGradNorm, maxNewTokens, logEvery, batchSize, seed } = settings

const model = await Model.load(join(output, 'initial'), { task: 'seq2seq-lm', threads: Number(values.threads), seed })
const optimizer = model.optimizer({ learningRate, weightDecay })
const log = []
let sum = 0
const begin = performance.now()
const cpuBefore = process.cpuUsage()
for (const [i, { source, target }] of steps.entries()) {
  const rate = learningRate * Math.min((i + 1) / warmupSteps, (steps.length - i) / (steps.length - warmupSteps))
  sum += (await optimizer.step({ inputIds: source, labels: target }, { learningRate: rate, maxGradNorm })).loss
  if ((i + 1) % logEvery === 0) {
    log.push({ step: i + 1, loss: round(sum / logEvery, 4), seconds: round((performance.now() - begin) / 1000, 1) })
    console.error(`step ${i + 1}/${steps.length}  loss ${log.at(-1).loss}  ${log.at(-1).seconds} s`)
    sum = 0
  }
}
const trainSeconds = (performance.now() - begin) / 1000
const trainCpuSeconds = cpuSeconds()
const trainPeakRssMib = Math.round(process.resourceUsage().maxRSS / 1024)

const testLoss = await measureTest()
const translateBegin = performance.now()
const translateCpuBefore = cpuSeconds()
const translations = await translateTest()
const translateCpuSeconds = cpuSeconds() - translateCpuBefore
const translateSeconds = (performance.now() - translateBegin) / 1000
writeFileSync(join(output, 'attune.txt'), translations.map((text) => `${text}\n`).join(''))
const packageJson = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
console.log(
  JSON.stringify({
    engine: 'attune',
    threads: Number(values.threads),
    steps: steps.length,
    trainSeconds: round(trainSeconds, 1),
    trainCpuSeconds: round(trainCpuSeconds, 1),
    stepSeconds: round(trainSeconds / steps.length, 4),
    trainPeakRssMib,
    peakRssMib: Math.round(process.resourceUsage().maxRSS / 1024),
    parameters: [...model.parameters()].reduce((all, { shape }) => all + shape.reduce((a, b) => a * b, 1), 0),
    testLoss: round(testLoss, 4),
    translateSeconds: round(translateSeconds, 1),
    translateCpuSeconds: round(translateCpuSeconds, 1),
    log,
    load: round(loadavg()[0], 2),
    cpu: cpus()[0]?.model ?? 'unknown',
    instructionSet: model.instructionSet,
    versions: { node: process.versions.node, attune: packageJson.version },
  }),
)
model.dispose()

/** Mean loss of a held-out token, of the first reference. */
async function measureTest() {
  let lossSum = 0
  let tokens = 0
  for (const rows of batches(test)) {
    const result = await model.evaluateBatch({
      inputIds: rows.map(({ source }) => source),
      labels: rows.map(({ target }) => target),
    })
    lossSum += result.lossSum
    tokens += result.tokens
  }
  return lossSum / tokens
}

/** The likeliest token at every step: no beams. */
async function translateTest() {
  const texts = []
  for (const rows of batches(test)) {
    const prompts = rows.map(({ source }) => source)
    const results = await model.generateBatch(prompts, { maxNewTokens, temperature: 0 })
    texts.push(...results.map(({ text }) => text.trim().replaceAll('\n', ' ')))
  }
  return texts
}

function batches(rows) {
  return Array.from({ length: Math.ceil(rows.length / batchSize) }, (_, i) =>
    rows.slice(i * batchSize, (i + 1) * batchSize),
  )
}

/** Of all threads, since training began. */
function cpuSeconds() {
  const { user, system } = process.cpuUsage(cpuBefore)
  return (user + system) / 1e6
}

function round(value, digits) {
  return Number(value.toFixed(digits))
}
