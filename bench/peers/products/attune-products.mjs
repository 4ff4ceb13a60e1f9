#!/usr/bin/env node
// GFLOP/s of attune's matrix products at the shapes of shapes.json, in all three kinds. Prints one JSON line, the same fields as
// torch_products.py, and how many threads were running: fewer than were asked for is the system's doing, slow ones a neighbour's.
// A product has many copies of its operands and results, in turns, which no cache holds: in a training step none is where it was left.
//
//   node bench/peers/products/attune-products.mjs --dtype f32 --threads 2
import { median } from 'd3-array'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { native } from '../../../dist/native.js'

const { values } = parseArgs({
  options: {
    dtype: { type: 'string', default: 'f32' }, // f32 | bf16
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '0.3' }, // for each product
  },
})
const shapes = JSON.parse(readFileSync(new URL('shapes.json', import.meta.url), 'utf8'))
const session = new (native().Session)({ threads: Number(values.threads), instructionSet: '' })

/** Forward, gradient of the input, gradient of the weight: where the inputs of a product M x K x N lie. */
const kinds = {
  NT: (m, k, n) => ({ op: 'linear', attributes: { layout: 'out_in' }, inputs: [[m, k], [n, k]] }), // prettier-ignore
  NN: (m, k, n) => ({ op: 'linear', attributes: { layout: 'in_out' }, inputs: [[m, k], [k, n]] }), // prettier-ignore
  TN: (m, k, n) => ({ op: 'linear_weight_gradient', attributes: { layout: 'in_out' }, inputs: [[k, m], [k, n]] }), // prettier-ignore
}

/** 128 MiB in all, as in torch_products.py. */
function copiesOf(m, k, n, size) {
  return Math.max(1, Math.ceil(2 ** 27 / ((m * k + k * n + m * n) * size)))
}

async function measure([m, k, n], kind) {
  const { op, attributes, inputs } = kinds[kind](m, k, n)
  const graph = new (native().Graph)(values.dtype)
  const names = []
  const copies = copiesOf(m, k, n, values.dtype === 'f32' ? 4 : 2)
  for (let copy = 0; copy < copies; copy++) {
    const ids = []
    for (const [i, shape] of inputs.entries()) {
      const name = `${kind} ${m} ${k} ${n} ${copy} ${i}`
      session.defineParameter(name, shape, values.dtype)
      await session.initParameter(name, { kind: 'uniform', value: 1, seed: i })
      ids.push(graph.parameter(name, shape).id)
      names.push(name)
    }
    const [product] = graph.node(op, `${kind} ${copy}`, ids, attributes)
    graph.output(`product ${copy}`, product.id)
  }
  const program = session.compile(graph)
  const run = () => session.run(program, { sizes: {}, inputs: {} }, { fetch: [] })
  await run()
  const [seconds, threads] = [[], []]
  for (
    const begin = performance.now();
    performance.now() - begin < 1000 * Number(values.seconds) || seconds.length < 3;
  ) {
    const [start, used] = [performance.now(), process.cpuUsage()]
    await run()
    const { user, system } = process.cpuUsage(used)
    const taken = (performance.now() - start) / 1000
    seconds.push(taken / copies)
    threads.push((user + system) / 1e6 / taken)
  }
  program.dispose()
  for (const name of names) session.removeParameter(name)
  const gflops = Number(((2 * m * k * n) / median(seconds) / 1e9).toFixed(1))
  return { kind, m, k, n, gflops, threads: Number(median(threads).toFixed(2)) }
}

const gigaflops = async () => Number(((await session.measurePeak()) / 1e9).toFixed(1))
let before = await gigaflops()
const products = []
for (const shape of shapes) {
  for (const kind of Object.keys(kinds)) {
    const product = await measure(shape, kind)
    const after = await gigaflops()
    // A neighbour slows multiply-adds as much as products, for seconds: the peak is that of the same moment.
    products.push({ ...product, peak: Math.max(before, after) })
    before = after
  }
}
console.log(
  JSON.stringify({
    engine: 'attune',
    instructionSet: session.hardware,
    products,
  }),
)
session.dispose()
