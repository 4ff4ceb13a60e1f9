/** The op that draws tokens on the device, against the functions that do so from logits that were read. */
import { afterAll, describe, expect, test } from 'vitest'
import { native } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'
import { uniformBits } from '../../lib/generate/philox.js'
import { draw, processLogits } from '../../lib/generate/sampling.js'
import { softmax } from '../../lib/models/probabilities.js'
import { normal } from '../ops/numbers.js'

const session = openSession({ device: 'cpu', threads: 2, instructionSet: '' })
afterAll(() => session.dispose())

const vocabulary = 1013
const graph = new (native().Graph)('f32')
const ids = [
  graph.input('x', ['rows', vocabulary], 'f32').id,
  graph.input('temperature', ['rows'], 'f32').id,
  graph.input('top_k', ['rows'], 'i32').id,
  graph.input('top_p', ['rows'], 'f32').id,
  graph.input('min_p', ['rows'], 'f32').id,
  graph.input('uniform', ['rows', 2], 'i32').id,
]
graph.output('ids', graph.node('sample', 'sampled', ids, {})[0]!.id)
const program = session.compile(graph)

// Settings that float32 holds exactly, so that both sides have the same ones.
const settings = [
  {},
  { temperature: 0.75 },
  { temperature: 1.5, topK: 50 },
  { topK: 1 },
  { topP: 0.90625 },
  { topP: 0.5, temperature: 2 },
  { minP: 0.0625 },
  { topK: 40, topP: 0.9375, minP: 0.03125, temperature: 0.875 },
]

describe.each(settings)('with %j', (given) => {
  test('the same numbers draw the same tokens', async () => {
    const rows = 250
    const all = { temperature: 1, topK: 0, topP: 1, minP: 0, ...given }
    // Few values, so that many are equal.
    const x = normal(JSON.stringify(given), rows * vocabulary, 3).map((value) => Math.round(value * 64) / 64)
    const seed = 20_261_129
    const inputs = {
      x,
      temperature: new Float32Array(rows).fill(all.temperature),
      top_k: new Int32Array(rows).fill(all.topK),
      top_p: new Float32Array(rows).fill(all.topP),
      min_p: new Float32Array(rows).fill(all.minP),
      uniform: Int32Array.from(Array.from({ length: rows }, (_, row) => uniformBits(seed, row)).flat()),
    }
    const fetched = await session.run(program, { sizes: { rows }, inputs }, { fetch: ['ids'] })
    const expected = Int32Array.from({ length: rows }, (_, row) => {
      const logits = x.subarray(row * vocabulary, (row + 1) * vocabulary)
      return draw(softmax(processLogits(logits, [], all)), seed, row)
    })
    expect(fetched.ids).toEqual(expected)
  })
})
