#!/usr/bin/env node
// Optimiser steps of a model of cases.json (random weights, no download) in attune. Prints one JSON line, the same fields as torch_step.py.
//
//   node bench/peers/attune-step.mjs --case gpt2-full --variant f32 --threads 2
import { median } from 'd3-array'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { lora, Model } from 'attune'

const cases = JSON.parse(readFileSync(new URL('cases.json', import.meta.url), 'utf8'))
const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'gpt2-full' }, // a name of cases.json
    variant: { type: 'string', default: 'f32' }, // f32 | bf16
    threads: { type: 'string', default: '2' },
    steps: { type: 'string', default: '5' }, // timed steps
    warmup: { type: 'string', default: '2' }, // steps before timing
    'gradient-checkpointing': { type: 'boolean', default: false },
  },
})
const [threads, steps, warmup] = ['threads', 'steps', 'warmup'].map((name) => {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name}: expected a whole number from 1 on`)
  return value
})
const gradientCheckpointing = values['gradient-checkpointing']
const asked = cases[values.case]
if (asked === undefined) throw new Error(`--case: expected one of ${Object.keys(cases).join(', ')}, not ${values.case}`)
const { adapter, batch: batchSize, length, targetLength } = asked
const config = typeof asked.config === 'string' ? cases[asked.config].config : asked.config

const model = await Model.fromConfig(config, { device: 'cpu', dtype: values.variant, threads, seed: 0 })
if (adapter !== undefined) await model.addAdapter(lora({ ...adapter, dropout: 0 }))
const optimizer = model.optimizer({ kind: 'adamw', learningRate: 1e-5 })
const rowsOf = (count) =>
  Array.from({ length: batchSize }, (_, row) =>
    Int32Array.from({ length: count }, (_, i) => 1 + (((row * count + i) * 7919) % (config.vocab_size - 1))),
  )
const inputIds = rowsOf(length)
// Every token is labelled; a class a row where the model classifies.
const labels = {
  'causal-lm': () => inputIds,
  'sequence-classification': () => inputIds.map((_, row) => row % 2),
  'seq2seq-lm': () => rowsOf(targetLength),
}[model.task]()
const batch = { inputIds, labels }
const tokens = batchSize * (length + (targetLength ?? 0))

let loss
const seconds = []
for (let i = -warmup; i < steps; i++) {
  const begin = performance.now()
  loss = (await optimizer.step(batch, { gradientCheckpointing })).loss
  if (i >= 0) seconds.push((performance.now() - begin) / 1000)
}
const step = median(seconds) // seconds of one
const count = (parameters) =>
  parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)
const parameters = [...model.parameters()]
const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
console.log(
  JSON.stringify({
    engine: 'attune',
    case: values.case,
    variant: values.variant,
    threads,
    gradientCheckpointing,
    tokens,
    steps,
    stepSeconds: round(step, 4),
    bestStepSeconds: round(Math.min(...seconds), 4),
    tokensPerSecond: round(tokens / step, 1),
    peakRssMib: Math.round(process.resourceUsage().maxRSS / 1024),
    parameters: count(parameters),
    trainable: count(parameters.filter(({ trainable }) => trainable)),
    loss: round(loss, 4),
    cpu: cpus()[0]?.model ?? 'unknown',
    instructionSet: model.instructionSet,
    versions: { node: process.versions.node, attune: packageJson.version },
  }),
)
model.dispose()

function round(value, digits) {
  return Number(value.toFixed(digits))
}
