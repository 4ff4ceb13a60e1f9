#!/usr/bin/env node
// Greedy generation of a model of ../cases.json (random weights) in attune. Prints one JSON line, the same fields as torch_generate.py.
//
//   node bench/peers/generation/attune-generate.mjs --case gpt2-full --variant int8 --batch 4 --threads 2
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Model } from 'attune'

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'gpt2-full' }, // a name of ../cases.json
    variant: { type: 'string', default: 'f32' }, // f32 | bf16 | int8 | nf4
    batch: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    times: { type: 'string', default: '3' }, // how often it is timed
  },
})
const [batch, threads, times] = [Number(values.batch), Number(values.threads), Number(values.times)]
const cases = read('../cases.json')
const settings = read('settings.json')
const asked = cases[values.case]
const config = typeof asked.config === 'string' ? cases[asked.config].config : asked.config
const { promptTokens } = settings
const newTokens = settings.newTokens[values.case]
const held =
  values.variant === 'int8' || values.variant === 'nf4' ? { quantization: values.variant } : { dtype: values.variant }
const model = await Model.fromConfig(config, { threads, seed: 0, ...held })
const prompts = Array.from({ length: batch }, (_, row) =>
  Array.from({ length: promptTokens }, (_, i) => 1 + (((row * promptTokens + i) * 7919) % (config.vocab_size - 1))),
)
const decoder = model.decoder({ slots: batch, capacity: promptTokens + newTokens })
const slots = prompts.map((_, row) => row)
const vocabulary = config.vocab_size

/** Seconds of reading the prompts, and of the tokens after the first. */
async function generate() {
  const start = performance.now()
  let ids = prompts
  let first = start
  for (let token = 0; token < newTokens; token++) {
    const cached = token === 0 ? 0 : promptTokens + token - 1
    const { data } = await decoder.step({ inputIds: ids, slots, lengths: slots.map(() => cached) })
    ids = slots.map((row) => [largest(data.subarray(row * vocabulary, (row + 1) * vocabulary))])
    if (token === 0) first = performance.now()
  }
  return { reading: (first - start) / 1000, writing: (performance.now() - first) / 1000 }
}

function largest(logits) {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i
  return best
}

await generate()
const timed = []
for (let i = 0; i < times; i++) timed.push(await generate())
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
const bandwidth = await model.measureReadBandwidth()
const seconds = median(timed.map(({ writing }) => writing))
console.log(
  JSON.stringify({
    engine: 'attune',
    tokensPerSecond: (batch * (newTokens - 1)) / seconds,
    promptTokensPerSecond: (batch * promptTokens) / median(timed.map(({ reading }) => reading)),
    // Every weight once a step, but of a table that is looked up alone.
    shareOfBandwidth: (model.memory().parameters * (newTokens - 1)) / seconds / bandwidth,
    bandwidth,
    versions: { node: process.versions.node, instructionSet: model.instructionSet },
  }),
)
model.dispose()
