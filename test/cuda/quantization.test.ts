/** Products by quantized weights on an emulated GPU are those by the weights they stand for, in every kernel. */
import { expect, it } from 'vitest'
import { native, type NativeSession } from '../../lib/native.js'
import { quantizations, type Quantization } from '../../lib/models/quantization.js'
import { normal, roundToBf16 } from '../ops/numbers.js'
import { expectClose, type CaseDtype } from '../ops/tolerance.js'
import { describeCuda } from './describe-cuda.js'
import { sessionOn } from './session-on.js'

interface Shape {
  readonly rows: number
  readonly inputs: number
  readonly outputs: number
  readonly layout: 'out_in' | 'in_out'
}

interface Values {
  readonly x: Float32Array
  readonly w: Float32Array
  readonly u: Float32Array
  readonly b: Float32Array
}

const lowRank = 4

function fill({ rows, inputs, outputs }: Shape, dtype: CaseDtype): Values {
  const random = (name: string, count: number) => {
    const values = normal(`quantized ${name}`, count, 1)
    return dtype === 'bf16' ? roundToBf16(values) : values
  }
  return {
    x: random('x', rows * inputs),
    w: normal('quantized w', inputs * outputs, 1),
    u: random('u', rows * lowRank),
    b: random('b', outputs * lowRank),
  }
}

/** x W + u B / 2, where W may be quantized and B, as an adapter's, is not; and what W stands for. */
async function product(
  on: NativeSession,
  dtype: CaseDtype,
  quantization: Quantization | undefined,
  { rows, inputs, outputs, layout }: Shape,
  values: Values,
): Promise<{ y: Float32Array; w: Float32Array }> {
  const graph = new (native().Graph)(dtype)
  const shapes = {
    x: [rows, inputs],
    w: layout === 'out_in' ? [outputs, inputs] : [inputs, outputs],
    u: [rows, lowRank],
    b: [outputs, lowRank],
  }
  const ids: Partial<Record<keyof Values, number>> = {}
  for (const name of ['x', 'w', 'u', 'b'] as const) {
    const held = name === 'w' ? quantization : undefined
    on.defineParameter(name, shapes[name], held ?? dtype)
    await on.writeParameter(name, values[name])
    ids[name] = graph.parameter(name, shapes[name], held).id
  }
  const inputIds = [ids.x!, ids.w!, -1, ids.u!, ids.b!]
  graph.output('y', graph.node('linear', 'linear', inputIds, { layout, low_rank_scale: 0.5 })[0]!.id)
  const program = on.compile(graph)
  const { y } = await on.run(program, { sizes: {}, inputs: {} }, { fetch: ['y'] })
  const w = await on.readParameter('w')
  program.dispose()
  for (const name of Object.keys(ids)) on.removeParameter(name)
  return { y: y as Float32Array, w }
}

/** Rows of a quantized table, and all that it stands for. */
async function embedding(on: NativeSession, dtype: CaseDtype, quantization: Quantization, ids: Int32Array) {
  const table = [11, 67] as const
  const graph = new (native().Graph)(dtype)
  on.defineParameter('table', table, quantization)
  await on.writeParameter('table', normal('quantized table', table[0] * table[1], 1))
  const inputIds = [graph.parameter('table', table, quantization).id, graph.input('ids', [ids.length], 'i32').id, -1]
  graph.output('y', graph.node('embedding', 'embedding', inputIds, { vocabulary: table[0] })[0]!.id)
  const program = on.compile(graph)
  const { y } = await on.run(program, { sizes: {}, inputs: { ids } }, { fetch: ['y'] })
  const values = await on.readParameter('table')
  program.dispose()
  on.removeParameter('table')
  return { y: y as Float32Array, values, columns: table[1] }
}

const shapes = [
  // Of every kernel: few rows, small tiles, large ones, and depths that are split.
  { rows: 3, inputs: 128, outputs: 192 },
  { rows: 16, inputs: 1024, outputs: 104 },
  { rows: 40, inputs: 128, outputs: 192 },
  { rows: 20, inputs: 1088, outputs: 72 },
  { rows: 70, inputs: 48, outputs: 12_240 },
  // Packs of elements that lie in two blocks, and an odd number of elements.
  { rows: 5, inputs: 37, outputs: 45 },
  { rows: 30, inputs: 37, outputs: 45 },
  // A scale block more than one.
  { rows: 17, inputs: 192, outputs: 96 },
]
const cases = shapes.flatMap((shape) => (['out_in', 'in_out'] as const).map((layout): Shape => ({ ...shape, layout })))

describeCuda(() => {
  for (const dtype of ['f32', 'bf16'] as const) {
    for (const quantization of quantizations) {
      it(`embedding ${dtype} by ${quantization}`, async () => {
        const ids = Int32Array.of(3, 0, 10, 3, 7)
        const { y, values, columns } = await embedding(sessionOn('cuda'), dtype, quantization, ids)
        const held = dtype === 'bf16' ? roundToBf16(values) : values
        ids.forEach((id, row) => {
          expect(y.subarray(row * columns, (row + 1) * columns)).toEqual(
            held.subarray(id * columns, (id + 1) * columns),
          )
        })
      })
      it.each(cases.map((shape) => [`${shape.rows}x${shape.inputs}x${shape.outputs} ${shape.layout}`, shape] as const))(
        `linear ${dtype} by ${quantization} %s`,
        async (_, shape) => {
          const values = fill(shape, dtype)
          const { y, w } = await product(sessionOn('cuda'), dtype, quantization, shape, values)
          const expected = await product(sessionOn('cpu'), 'f32', undefined, shape, { ...values, w })
          expectClose('y', y, expected.y, { dtype, reduction: shape.inputs + lowRank })
        },
      )
    }
  }
})
