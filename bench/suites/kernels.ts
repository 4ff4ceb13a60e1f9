/**
 * Matrix products at training shapes, attention and norms, each alone in a graph. `peak` is the processor's multiply-add limit,
 * measured in the same run: a product's GFLOP/s over it is its share of what can be had.
 */
import {
  native,
  type NativeAttributes,
  type NativeDtype,
  type NativeProgram,
  type NativeSession,
} from '../../dist/native.js'
import type { BenchSuite, BenchTask } from '../suite.js'

interface OpCase {
  readonly name: string
  readonly op: string
  readonly attributes: NativeAttributes
  /** Shapes of the inputs, which are parameters so that a run copies nothing; an i32 input comes with its values. */
  readonly inputs: readonly (readonly number[] | Int32Array)[]
  readonly operations: number
}

const tokens = 1024
const heads = 12
const headDim = 64
const hidden = heads * headDim

/** Forward, gradient of the input (the other layout), gradient of the weight: the three kinds of transposition. */
function products(rows: number, depth: number, columns: number): OpCase[] {
  const operations = 2 * rows * depth * columns
  const shape = `${rows}x${depth}x${columns}`
  return [
    {
      name: `linear NT ${shape}`,
      op: 'linear',
      attributes: { layout: 'out_in' },
      inputs: [
        [rows, depth],
        [columns, depth],
      ],
      operations,
    },
    {
      name: `linear NN ${shape}`,
      op: 'linear',
      attributes: { layout: 'in_out' },
      inputs: [
        [rows, depth],
        [depth, columns],
      ],
      operations,
    },
    {
      name: `linear_weight_gradient TN ${shape}`,
      op: 'linear_weight_gradient',
      attributes: { layout: 'in_out' },
      inputs: [
        [rows, depth],
        [rows, columns],
      ],
      operations,
    },
  ]
}

const segments = Int32Array.from([0, 256, 512, 768, 1024])
/** Causal: half of each segment's square, two products. */
const attentionOperations = (4 * 4 * 256 * 256 * hidden) / 2

const cases: readonly OpCase[] = [
  ...products(512, 768, 2304),
  ...products(1024, 768, 3072),
  ...products(1024, 3072, 768),
  ...products(2048, 896, 4864),
  ...products(512, 768, 50257),
  {
    name: 'linear rank 8 1024x768x8',
    op: 'linear',
    attributes: {},
    inputs: [
      [1024, 768],
      [8, 768],
    ],
    operations: 2 * 1024 * 768 * 8,
  },
  {
    name: 'linear one token 1x768x3072',
    op: 'linear',
    attributes: {},
    inputs: [
      [1, 768],
      [3072, 768],
    ],
    operations: 2 * 768 * 3072,
  },
  {
    name: 'attention 4x256, 12 heads of 64',
    op: 'attention',
    attributes: { heads, kv_heads: heads, head_dim: headDim, scale: 0.125 },
    inputs: [[tokens, hidden], [tokens, hidden], [tokens, hidden], segments],
    operations: attentionOperations,
  },
]

async function open(
  session: NativeSession,
  dtype: 'f32' | 'bf16',
  { name, op, attributes, inputs, operations }: OpCase,
): Promise<BenchTask> {
  const graph = new (native().Graph)(dtype)
  const given: Record<string, Int32Array> = {}
  const ids: number[] = []
  for (const [index, input] of inputs.entries()) {
    const key = `${dtype} ${name} ${index}`
    if (input instanceof Int32Array) {
      const type: NativeDtype = 'i32'
      ids.push(graph.input(key, [input.length], type).id)
      given[key] = input
      continue
    }
    session.defineParameter(key, input, dtype)
    await session.initParameter(key, { kind: 'uniform', value: 1, seed: 1 })
    ids.push(graph.parameter(key, input).id)
  }
  graph.node(op, name, ids, attributes)
  const program: NativeProgram = session.compile(graph)
  return {
    name: `${dtype} ${name}`,
    work: { amount: operations / 1e9, unit: 'GFLOP' },
    run: () => session.run(program, { sizes: {}, inputs: given }, { fetch: [] }),
  }
}

export async function openKernels(): Promise<BenchSuite> {
  const session = new (native().Session)({ threads: 0, instructionSet: '' })
  const peak = await session.measurePeak()
  const bandwidth = await session.measureReadBandwidth()
  const tasks: BenchTask[] = []
  for (const dtype of ['f32', 'bf16'] as const) {
    for (const each of cases) tasks.push(await open(session, dtype, each))
  }
  console.log(
    `\nfloat32 multiply-add peak of ${session.threads} threads (${session.hardware}): ${(peak / 1e9).toFixed(0)} GFLOP/s; read bandwidth: ${(bandwidth / 1e9).toFixed(1)} GB/s`,
  )
  return {
    tasks,
    [Symbol.asyncDispose]() {
      session.dispose()
      return Promise.resolve()
    },
  }
}
