import { expect, test } from 'vitest'
import { chromeTrace, type ChromeTraceSpan } from '../../lib/profile/chrome-trace.js'
import { countingRows, tinyModel } from '../tiny-model.js'

const kernels = [
  { path: 'model.layers.0.mlp', op: 'linear', begin: 0.001, seconds: 0.002, flops: 4e6, bytes: 1e6 },
  { path: 'lm_head', op: 'cross_entropy', begin: 0.003, seconds: 0, flops: 10, bytes: 10 },
  { path: 'model.layers.0.mlp', op: 'linear_weight_gradient', begin: 0.004, seconds: 0.001, flops: 0, bytes: 5e6 },
  { path: 'optimizer', op: 'adamw', begin: 0.005, seconds: 0.001, flops: 1e6, bytes: 1e6 },
]

const spans = (trace: ReturnType<typeof chromeTrace>) =>
  trace.traceEvents.filter((event): event is ChromeTraceSpan => event.ph === 'X')

test('a run of a kernel is a complete event in microseconds, with its place and its speed', () => {
  const [linear, loss, gradient, update] = spans(chromeTrace({ seconds: 0.01, kernels }))
  expect(linear).toEqual({
    name: 'linear',
    cat: 'forward',
    ph: 'X',
    ts: 1000,
    dur: 2000,
    pid: 1,
    tid: 1,
    args: { path: 'model.layers.0.mlp', 'GFLOP/s': 2, 'GB/s': 0.5 },
  })
  // Shorter than the clock's step: no rate, and no number that JSON does not have.
  expect(loss).toMatchObject({ cat: 'forward', dur: 0, args: { 'GFLOP/s': 0, 'GB/s': 0 } })
  expect(gradient).toMatchObject({ cat: 'backward', args: { 'GFLOP/s': 0, 'GB/s': 5 } })
  expect(update).toMatchObject({ cat: 'optimizer', args: { path: 'optimizer' } })
})

test('process and thread have names', () => {
  const names = chromeTrace({ seconds: 0, kernels: [] }).traceEvents
  expect(names.map(({ name, ph }) => [name, ph])).toEqual([
    ['process_name', 'M'],
    ['thread_name', 'M'],
  ])
})

test('a real step becomes as many events, in order, none over another, and JSON brings them back', async () => {
  await using model = await tinyModel()
  const optimizer = model.optimizer()
  const rows = countingRows(2)
  const batch = { inputIds: rows.map(({ inputIds }) => inputIds), labels: rows.map(({ labels }) => labels) }
  const { profile } = await model.profile(() => optimizer.step(batch))
  const trace = chromeTrace(profile)
  const events = spans(trace)
  expect(events.map(({ name, args }) => [name, args.path])).toEqual(profile.kernels.map(({ op, path }) => [op, path]))
  events.slice(1).forEach(({ ts }, i) => {
    // To a nanosecond each was rounded.
    expect(ts).toBeGreaterThanOrEqual(events[i]!.ts + events[i]!.dur - 0.002)
  })
  expect(JSON.parse(JSON.stringify(trace))).toEqual(trace)
})
