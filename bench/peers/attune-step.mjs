#!/usr/bin/env node
// Optimiser steps of GPT-2 124M (random weights, no download) in attune. Prints one JSON line, the same fields as torch_step.py.
//
//   node bench/peers/attune-step.mjs --case full --variant f32 --threads 2
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { lora, Model } from 'attune'

const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'full' }, // full | lora
    variant: { type: 'string', default: 'f32' }, // f32 | bf16
    threads: { type: 'string', default: '2' },
    batch: { type: 'string', default: '4' }, // sequences a step
    length: { type: 'string', default: '256' }, // tokens a sequence
    steps: { type: 'string', default: '5' }, // timed steps
    warmup: { type: 'string', default: '2' }, // steps before timing
  },
})
const [threads, batchSize, length, steps, warmup] = ['threads', 'batch', 'length', 'steps', 'warmup'].map((name) => {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name}: expected a whole number from 1 on`)
  return value
})
if (values.case !== 'full' && values.case !== 'lora')
  throw new Error(`--case: expected full or lora, not ${values.case}`)

/** transformers' GPT2Config() with dropout 0. */
const gpt2 = {
  architectures: ['GPT2LMHeadModel'],
  model_type: 'gpt2',
  activation_function: 'gelu_new',
  attn_pdrop: 0,
  embd_pdrop: 0,
  resid_pdrop: 0,
  initializer_range: 0.02,
  layer_norm_epsilon: 1e-5,
  n_embd: 768,
  n_head: 12,
  n_inner: null,
  n_layer: 12,
  n_positions: 1024,
  tie_word_embeddings: true,
  vocab_size: 50257,
}

const model = await Model.fromConfig(gpt2, { device: 'cpu', dtype: values.variant, threads, seed: 0 })
if (values.case === 'lora') await model.addAdapter(lora({ rank: 8, alpha: 16, dropout: 0, targets: ['c_attn'] }))
const optimizer = model.optimizer({ kind: 'adamw', learningRate: 1e-5 })
const rows = Array.from({ length: batchSize }, (_, row) =>
  Int32Array.from({ length }, (_, i) => ((row * length + i) * 7919) % gpt2.vocab_size),
)
const batch = { inputIds: rows, labels: rows } // every token is labelled

let loss
const seconds = []
for (let step = -warmup; step < steps; step++) {
  const begin = performance.now()
  loss = (await optimizer.step(batch)).loss
  if (step >= 0) seconds.push((performance.now() - begin) / 1000)
}
const median = medianOf(seconds)
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
    batch: batchSize,
    length,
    steps,
    stepSeconds: round(median, 4),
    bestStepSeconds: round(Math.min(...seconds), 4),
    tokensPerSecond: round((batchSize * length) / median, 1),
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

function medianOf(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function round(value, digits) {
  return Number(value.toFixed(digits))
}
