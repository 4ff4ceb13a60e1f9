/** Every op at the shapes of training: what is timed, and what docs/performance-cuda.md predicts. */
import {
  forwardOutput,
  ids,
  integers,
  lossScale,
  node,
  segments,
  set,
  type KernelCase,
  type KernelInput,
} from './kernel-case.js'
import { decodeAttention, decodeProduct, sampleCase } from './decode-cases.js'
import type { KernelDtype } from './kernel-class.js'
import { modelShapes, smallShapes, type KernelShapes } from './kernel-shapes.js'
import { optimizerOps } from './optimizer-cost.js'

const bytesOf = { bf16: 2, f32: 4 } as const

export interface CaseOptions {
  /** The same cases at sizes for an emulator. @default false */
  readonly small?: boolean
}

export function kernelCases({ small = false }: CaseOptions = {}): KernelCase[] {
  const shapes = small ? modelShapes.map(smallShapes) : modelShapes
  const cases = (['bf16', 'f32'] as const).flatMap((dtype) => [
    ...shapes.flatMap((of) => modelCases(of, dtype)),
    ...lengthShapes({ small }).flatMap((of) => attentionCases(of, dtype)),
    ...otherCases(small, dtype),
  ])
  // Models share shapes.
  const seen = new Map(cases.map((each) => [`${each.op} ${each.shape} ${each.dtype}`, each]))
  return [...seen.values()]
}

function modelCases(shapes: KernelShapes, dtype: KernelDtype): KernelCase[] {
  const { rows, length, hidden, heads, kvHeads, headDim, intermediate, rank } = shapes
  const tokens = rows * length
  const [queries, keys] = [heads * headDim, kvHeads * headDim]
  const wide = shapes.packed
    ? [[hidden, queries + 2 * keys]]
    : [
        [hidden, queries],
        [hidden, keys],
      ]
  const pairs = [...wide, [queries, hidden], [hidden, intermediate], [intermediate, hidden]] as [number, number][]
  return [
    ...pairs.flatMap(([depth, columns]) => productCases(tokens, depth, columns, dtype)),
    ...loraCases(tokens, hidden, intermediate, rank, dtype),
    decodeProduct(hidden, intermediate, dtype),
    ...normCases(shapes.norm, tokens, hidden, dtype),
    ...activationCases(shapes, tokens, dtype),
    ...attentionCases({ ...shapes, bias: shapes.relative }, dtype),
    ...(shapes.rotary ? rotaryCases(shapes, dtype) : []),
    decodeAttention(shapes, dtype),
    ...embeddingCases(tokens, hidden, shapes.vocabulary, dtype),
    headCase(tokens, hidden, shapes.vocabulary, dtype),
    node('add', `${tokens}x${hidden}`, dtype, [set(tokens, hidden), set(tokens, hidden)]),
  ]
}

/** Forward, gradient of the input, gradient of the weight: the three kinds of transposition. */
function productCases(rows: number, depth: number, columns: number, dtype: KernelDtype): KernelCase[] {
  const shape = `${rows}x${depth}x${columns}`
  const [x, dy] = [set(rows, depth), set(rows, columns)]
  return [
    node('linear', `NT ${shape}`, dtype, [x, set(columns, depth)], { layout: 'out_in' }),
    node('linear', `NN ${shape}`, dtype, [x, set(depth, columns)], { layout: 'in_out' }),
    node('linear_weight_gradient', `TN ${shape}`, dtype, [x, dy], { layout: 'in_out' }),
    node('column_sum', `${rows}x${columns}`, dtype, [dy]),
  ]
}

/** A frozen weight with its adapter in one pass, the thin product before it, and the gradients of both matrices. */
function loraCases(tokens: number, hidden: number, wide: number, rank: number, dtype: KernelDtype): KernelCase[] {
  const [x, u, dy] = [set(tokens, hidden), set(tokens, rank), set(tokens, wide)]
  return [
    node('linear', `thin ${tokens}x${hidden}x${rank}`, dtype, [x, set(rank, hidden)]),
    node(
      'linear',
      `LoRA ${tokens}x${hidden}x${wide} r${rank}`,
      dtype,
      [x, set(wide, hidden), null, u, set(wide, rank)],
      { low_rank_scale: 2 },
    ),
    node('linear_weight_gradient', `LoRA A ${tokens}x${hidden}x${rank}`, dtype, [x, u]),
    node('linear_weight_gradient', `LoRA B ${tokens}x${rank}x${wide}`, dtype, [u, dy]),
  ]
}

function normCases(op: 'layer_norm' | 'rms_norm', tokens: number, columns: number, dtype: KernelDtype): KernelCase[] {
  const shape = `${tokens}x${columns}`
  const [x, w] = [set(tokens, columns), set(columns)]
  const inputs = op === 'layer_norm' ? [x, w, set(columns)] : [x, w]
  const forward = { op, inputs, attributes: {} }
  const saved = op === 'layer_norm' ? [forwardOutput(1), forwardOutput(2)] : [forwardOutput(1)]
  return [
    { ...forward, shape, dtype },
    { ...node(`${op}_backward`, shape, dtype, [set(tokens, columns), x, w, ...saved]), forward },
  ]
}

function activationCases({ intermediate, gated, activation: kind }: KernelShapes, tokens: number, dtype: KernelDtype) {
  const x = () => set(tokens, intermediate)
  const shape = `${kind} ${tokens}x${intermediate}`
  const op = gated ? 'gated_activation' : 'activation'
  const inputs = gated ? [x(), x()] : [x()]
  return [node(op, shape, dtype, inputs, { kind }), node(`${op}_backward`, shape, dtype, [x(), ...inputs], { kind })]
}

export interface AttentionShapes {
  readonly rows: number
  readonly length: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly causal: boolean
  readonly bias?: boolean
  readonly packed?: boolean
}

/** How the cases of these shapes are told from others. */
export function attentionShape({ rows, length, heads, kvHeads, headDim, causal, ...rest }: AttentionShapes): string {
  const group = heads === kvHeads ? `${heads}` : `${heads}/${kvHeads}`
  const mask = causal ? 'causal' : 'full'
  return `${rows}x${length} ${group}x${headDim} ${mask}${rest.bias === true ? ' bias' : ''}${rest.packed === true ? ' packed' : ''}`
}

function attentionCases(shapes: AttentionShapes, dtype: KernelDtype): KernelCase[] {
  const { rows, length, heads, kvHeads, headDim, causal, bias = false, packed = false } = shapes
  const tokens = rows * length
  const shape = attentionShape(shapes)
  const side = (count: number) => set(tokens, count * headDim)
  const qkv = packed ? [side(heads + 2 * kvHeads), null, null] : [side(heads), side(kvHeads), side(kvHeads)]
  const starts = segments(rows, length)
  const table = bias ? set(32, heads) : null
  const attributes = { heads, kv_heads: kvHeads, head_dim: headDim, causal, ...(packed && { packing: 'qkv' }) }
  const forward = { op: 'attention', attributes, inputs: [...qkv, starts, null, table] }
  const backward = [side(heads), ...qkv, forwardOutput(0), forwardOutput(1), starts, null, table]
  return [
    { ...forward, shape, dtype },
    { op: 'attention_backward', attributes, inputs: backward, shape, dtype, forward },
  ]
}

/** 16k tokens and 2,048 columns, as attention is compared elsewhere. */
export function lengthShapes({ small = false }: CaseOptions = {}): AttentionShapes[] {
  const lengths = small ? [4, 9] : [512, 1024, 2048, 4096, 8192, 16384]
  const [tokens, columns] = small ? [36, 32] : [16384, 2048]
  return lengths.flatMap((length) =>
    (small ? [8, 16] : [64, 128]).flatMap((headDim) =>
      [true, false].map((causal) => {
        const heads = columns / headDim
        return { rows: Math.floor(tokens / length), length, heads, kvHeads: heads, headDim, causal }
      }),
    ),
  )
}

function rotaryCases({ rows, length, heads, headDim }: KernelShapes, dtype: KernelDtype): KernelCase[] {
  const tokens = rows * length
  const positions = integers(Int32Array.from({ length: tokens }, (_, i) => i % length))
  const frequencies = Array.from({ length: headDim / 2 }, (_, i) => 500000 ** ((-2 * i) / headDim))
  return [
    node('rotary', `${tokens}x${heads}x${headDim}`, dtype, [set(tokens, heads * headDim), positions], {
      head_dim: headDim,
      inverse_frequencies: frequencies,
    }),
  ]
}

function embeddingCases(tokens: number, hidden: number, vocabulary: number, dtype: KernelDtype): KernelCase[] {
  const shape = `${tokens}x${hidden} of ${vocabulary}`
  const size = bytesOf[dtype]
  const read = ids(tokens, vocabulary)
  return [
    // Of the table the rows that are named are read.
    {
      ...node('embedding', shape, dtype, [set(vocabulary, hidden), read], { vocabulary }),
      bytes: tokens * (2 * hidden * size + 4),
    },
    node('embedding_backward', shape, dtype, [set(tokens, hidden), read], { vocabulary }),
  ]
}

/** With the gradients of the hidden states and of the weight. */
function headCase(tokens: number, hidden: number, vocabulary: number, dtype: KernelDtype): KernelCase {
  const inputs = [set(tokens, hidden), set(vocabulary, hidden), ids(tokens, vocabulary), lossScale]
  const shape = `${tokens}x${hidden}x${vocabulary}`
  return { ...node('linear_cross_entropy', shape, dtype, inputs), how: 'root', trained: [0, 1] }
}

/** What no model above has, at the sizes of a small one, and the optimizer. */
function otherCases(small: boolean, dtype: KernelDtype): KernelCase[] {
  const [tokens, hidden, classes, rank] = small ? [12, 32, 5, 2] : [16384, 1024, 1000, 16]
  const size = bytesOf[dtype]
  const updatedRows = small ? 64 : 12288
  const [texts, length] = small ? [3, 4] : [64, 256]
  const shape = `${tokens}x${hidden}`
  const x = () => set(tokens, hidden)
  const odd = integers(Int32Array.from({ length: tokens / 2 }, (_, i) => 2 * i))
  const tokenIds = Array.from({ length: 2 * rank }, (_, i) => i)
  const loss = (op: string, at: string, inputs: readonly KernelInput[]): KernelCase => ({
    ...node(op, at, dtype, [...inputs, lossScale]),
    how: 'root',
    trained: op === 'contrastive_loss' ? [0, 1] : [0],
  })
  const targets: KernelInput = { kind: 'floats', shape: [tokens, classes], value: 0.5 }
  const bounds = integers(
    Int32Array.from({ length: 2 * texts }, (_, i) => i % length),
    [texts, 2],
  )
  return [
    node('accumulate_gradient', shape, dtype, [x()]),
    node('dropout', shape, dtype, [x()], { p: 0.1 }),
    node('scale', shape, dtype, [x()], { factor: 0.5 }),
    node('embedding_noise', shape, dtype, [x(), segments(texts, length)], { alpha: 5 }),
    node('gather_rows', `${tokens / 2} of ${shape}`, dtype, [x(), odd]),
    // The last input of these two gives a shape and is not read.
    {
      ...node('scatter_rows', `${tokens / 2} to ${shape}`, dtype, [set(tokens / 2, hidden), odd, x()]),
      bytes: 1.5 * tokens * hidden * size + 2 * tokens,
    },
    node('segment_mean', `${texts}x${length}x${hidden}`, dtype, [x(), segments(texts, length)]),
    {
      ...node('segment_mean_backward', `${texts}x${length}x${hidden}`, dtype, [
        set(texts, hidden),
        segments(texts, length),
        x(),
      ]),
      bytes: (tokens + texts) * hidden * size + 4 * (texts + 1),
    },
    node('l2_normalize', shape, dtype, [x()]),
    node('l2_normalize_backward', shape, dtype, [x(), x()]),
    node('argmax', `${texts}x${classes}`, dtype, [set(texts, classes)]),
    sampleCase(small ? 3 : 16, small ? 77 : 128_256, dtype),
    node('replace_columns', shape, dtype, [x(), set(tokens, tokenIds.length)], { token_ids: tokenIds }),
    node('replace_columns_backward', shape, dtype, [x()], { token_ids: tokenIds }),
    node('low_rank_weight_norm', `${hidden}x${hidden} r${rank}`, dtype, [
      set(hidden, hidden),
      set(rank, hidden),
      set(hidden, rank),
    ]),
    node('magnitude', shape, dtype, [x(), set(hidden), { kind: 'floats', shape: [hidden], value: 1 }]),
    node('magnitude_gradient', shape, dtype, [x(), x(), { kind: 'floats', shape: [hidden], value: 1 }]),
    loss('cross_entropy', `${tokens}x${classes}`, [set(tokens, classes), ids(tokens, classes)]),
    loss('binary_cross_entropy', `${tokens}x${classes}`, [set(tokens, classes), targets]),
    loss('mean_squared_error', `${tokens}x${classes}`, [set(tokens, classes), targets]),
    loss('contrastive_loss', `${texts}x${texts}x${hidden}`, [
      set(texts, hidden),
      set(texts, hidden),
      ids(texts, texts),
    ]),
    loss('span_cross_entropy', `${texts}x${length}`, [set(tokens, 2), segments(texts, length), bounds]),
    ...optimizerOps.map((op): KernelCase => ({
      ...node(op, `${updatedRows}x${hidden}`, dtype, [set(updatedRows, hidden)]),
      how: 'optimizer',
    })),
  ]
}
