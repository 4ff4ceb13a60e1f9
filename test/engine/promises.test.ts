/** What the engine promises to any program: a free event loop, exact numbers whatever the threads, ends that come soon. */
import { execFileSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { join } from 'node:path'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import { allWeights, countingRows, tinyConfig, tinyModel, vocabulary } from '../tiny-model.js'

const rows = countingRows(16)

function batchOf(from: number, to: number) {
  const chosen = rows.slice(from, to)
  return {
    inputIds: chosen.map(({ inputIds }) => Int32Array.from(inputIds)),
    labels: chosen.map(({ labels }) => Int32Array.from(labels)),
  }
}

async function steps(model: Model, count: number): Promise<number[]> {
  const optimizer = model.optimizer({ learningRate: 1e-2 })
  const losses: number[] = []
  for (let i = 0; i < count; i++)
    losses.push((await optimizer.step(batchOf(4 * (i % 4), 4 * (i % 4) + 4), { maxGradNorm: 1 })).loss)
  optimizer.dispose()
  return losses
}

describe('the same seed gives the same bits', () => {
  it('for 1, 2, 3 and 7 threads, with dropout', async () => {
    const results: { losses: number[]; weights: Map<string, Float32Array> }[] = []
    for (const threads of [1, 2, 3, 7]) {
      await using model = await tinyModel({ threads })
      await model.addAdapter(lora({ rank: 4, dropout: 0.2 }))
      results.push({ losses: await steps(model, 6), weights: await allWeights(model) })
    }
    for (const result of results) {
      expect(result.losses).toEqual(results[0]!.losses)
      for (const [name, data] of results[0]!.weights) expect(result.weights.get(name), name).toEqual(data)
    }
  })
})

describe('arithmetic', () => {
  it('four batches accumulated come to the batch of all their rows', async () => {
    await using whole = await tinyModel()
    await using parts = await tinyModel()
    const one = await whole.optimizer({ learningRate: 1e-3 }).step(batchOf(0, 16))
    const four = await parts.optimizer({ learningRate: 1e-3 }).step([0, 4, 8, 12].map((at) => batchOf(at, at + 4)))
    expect(four.tokens).toBe(one.tokens)
    // Sums in another order: float32 rounding over some hundred terms.
    expect(Math.abs(four.loss - one.loss) / one.loss).toBeLessThan(1e-6)
    expect(Math.abs(four.gradNorm - one.gradNorm) / one.gradNorm).toBeLessThan(1e-5)
  })

  it('merged weights compute what the adapter computes, and unmerging is exact', async () => {
    await using model = await tinyModel({}, { initializer_range: 0.2 })
    await model.addAdapter(lora({ rank: 4, alpha: 8 }))
    await steps(model, 8)
    const before = await allWeights(model)
    const { logits: open } = await model.forward(batchOf(0, 4))
    await model.mergeAdapter()
    const { logits: merged } = await model.forward(batchOf(0, 4))
    const scale = Math.max(...open.data.map(Math.abs))
    const distance = open.data.reduce((most, x, i) => Math.max(most, Math.abs(x - merged.data[i]!)), 0)
    expect(distance / scale).toBeLessThan(1e-5)
    await model.unmergeAdapter()
    const after = await allWeights(model)
    for (const [name, data] of before) expect(after.get(name), name).toEqual(data)
  })
})

// Large enough for steps that take a while.
const larger = {
  hidden_size: 256,
  intermediate_size: 1024,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 8,
  max_position_embeddings: 512,
}

function longBatch(count: number) {
  const inputIds = Array.from({ length: count }, (_, row) =>
    Array.from({ length: 128 }, (_, i) => (i * (row + 3)) % vocabulary),
  )
  return { inputIds, labels: inputIds }
}

describe('long work', () => {
  it('leaves the event loop free during steps', async () => {
    await using model = await tinyModel({}, larger)
    const optimizer = model.optimizer({ learningRate: 1e-4 })
    const batch = longBatch(4)
    await optimizer.step(batch)
    const delays: number[] = []
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      delays.push(now - last)
      last = now
    }, 2)
    const start = performance.now()
    // As many steps as it takes for a few dozen ticks, however fast the machine is.
    while (performance.now() - start < 400) await optimizer.step(batch)
    const seconds = (performance.now() - start) / 1000
    clearInterval(timer)
    optimizer.dispose()
    // The processor's cores are all at work, and others may share the machine: the median says whether the engine blocks.
    const sorted = delays.toSorted((a, b) => a - b)
    expect(delays.length).toBeGreaterThan(seconds * 20)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(20)
  })

  it('ends within a step when cancelled, and the model goes on', async () => {
    await using model = await tinyModel({}, larger)
    const optimizer = model.optimizer({ learningRate: 1e-4 })
    const batch = longBatch(4)
    const start = performance.now()
    await optimizer.step(batch)
    const whole = performance.now() - start
    const cancelled = optimizer.step(batch)
    const refused = expect(cancelled).rejects.toMatchObject({ code: 'aborted' })
    await new Promise((resolve) => setTimeout(resolve, whole / 10))
    const asked = performance.now()
    model.cancel()
    await refused
    expect(performance.now() - asked).toBeLessThan(Math.max(whole, 500))
    expect((await optimizer.step(batch)).loss).toBeGreaterThan(0)
    optimizer.dispose()
  })
})

const dist = join(import.meta.dirname, '../../dist/index.js')

describe('worker threads', () => {
  it.skipIf(!existsSync(dist))('two train at once and come to the same bits', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.module).then(async ({ Model }) => {
        await train(Model)
      })
      async function train(Model) {
        const model = await Model.fromConfig(workerData.config, { seed: 1, threads: 2 })
        const optimizer = model.optimizer({ learningRate: 1e-2 })
        const losses = []
        for (let i = 0; i < 10; i++) losses.push((await optimizer.step(workerData.batch)).loss)
        optimizer.dispose()
        model.dispose()
        parentPort.postMessage(losses)
      }`
    const workerData = { module: dist, config: tinyConfig, batch: batchOf(0, 8) }
    const run = () =>
      new Promise<number[]>((resolve, reject) => {
        const worker = new Worker(source, { eval: true, workerData })
        worker.once('message', resolve)
        worker.once('error', reject)
      })
    const [first, second] = await Promise.all([run(), run()])
    expect(first).toHaveLength(10)
    expect(first).toEqual(second)
    expect(first[9]!).toBeLessThan(first[0]!)
  })
})

describe('memory', () => {
  it.skipIf(!existsSync(dist))(
    'is what was planned by the count of the operating system, and dispose gives it back',
    () => {
      // A process of its own, so that nothing else grows or shrinks meanwhile; about 270 MB, large beside JavaScript's own.
      const config = { ...tinyConfig, ...larger, hidden_size: 512, intermediate_size: 2048, num_hidden_layers: 3 }
      const source = `
      import { Model } from ${JSON.stringify(pathToFileURL(dist).href)}
      const start = process.memoryUsage().rss
      const model = await Model.fromConfig(${JSON.stringify(config)}, { seed: 1, threads: 2 })
      const optimizer = model.optimizer({ learningRate: 1e-4 })
      await optimizer.step(${JSON.stringify(longBatch(4))})
      const planned = model.memory().total
      const used = process.memoryUsage().rss - start
      model.dispose()
      console.log(JSON.stringify({ planned, used, kept: process.memoryUsage().rss - start }))`
      const output = execFileSync(process.execPath, ['--input-type=module', '--eval', source], { encoding: 'utf8' })
      const { planned, used, kept } = JSON.parse(output) as { planned: number; used: number; kept: number }
      expect(planned).toBeGreaterThan(200e6)
      expect(Math.abs(used - planned) / planned).toBeLessThan(0.05)
      // What stays is code and JavaScript's heap. The optimizer was not disposed of: the model's end is its end.
      expect(kept).toBeLessThan(0.1 * planned)
    },
  )
})
