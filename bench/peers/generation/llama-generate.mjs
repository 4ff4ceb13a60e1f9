#!/usr/bin/env node
// Greedy generation in node-llama-cpp's prebuilt binary, of a GGUF file of write_gguf.py. Prints one JSON line, the same fields as
// torch_generate.py. Run from the folder that node-llama-cpp is installed in.
//
//   node llama-generate.mjs --model q8_0.gguf --batch 4 --threads 2
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    case: { type: 'string', default: 'qwen-lora' },
    variant: { type: 'string' }, // in the file's name
    batch: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    times: { type: 'string', default: '3' },
  },
})
const [batch, threads, times] = [Number(values.batch), Number(values.threads), Number(values.times)]
const { promptTokens, newTokens: lengths } = JSON.parse(readFileSync(new URL('settings.json', import.meta.url), 'utf8'))
const newTokens = lengths[values.case]
const entry = createRequire(join(process.cwd(), 'package.json')).resolve('node-llama-cpp')
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry))
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: LlamaLogLevel.error })
const model = await llama.loadModel({ modelPath: values.model, gpuLayers: 0 })
const contextSize = promptTokens + newTokens + 8
const context = await model.createContext({ contextSize, sequences: batch, batchSize: batch * promptTokens, threads })
const sequences = Array.from({ length: batch }, () => context.getSequence())
const vocabulary = 150_000

async function generate() {
  await Promise.all(sequences.map((sequence) => sequence.clearHistory()))
  const start = performance.now()
  const firsts = []
  await Promise.all(
    sequences.map(async (sequence, row) => {
      const prompt = Array.from(
        { length: promptTokens },
        (_, i) => 1 + (((row * promptTokens + i) * 7919) % vocabulary),
      )
      let count = 0
      const tokens = sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })
      while (count < newTokens && (await tokens.next()).done !== true) {
        count++
        if (count === 1) firsts.push(performance.now())
      }
      await tokens.return()
      if (count !== newTokens) throw new Error(`${count} tokens came, not ${newTokens}`)
    }),
  )
  const first = Math.max(...firsts)
  return { reading: (first - start) / 1000, writing: (performance.now() - first) / 1000 }
}

await generate()
const timed = []
for (let i = 0; i < times; i++) timed.push(await generate())
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
console.log(
  JSON.stringify({
    engine: 'llama.cpp',
    tokensPerSecond: (batch * (newTokens - 1)) / median(timed.map(({ writing }) => writing)),
    promptTokensPerSecond: (batch * promptTokens) / median(timed.map(({ reading }) => reading)),
    versions: { llamaCpp: llama.llamaCppRelease.release },
  }),
)
await llama.dispose()
