/** What decoding runs that training does not. */
import { integers, node, segments, set, type KernelCase, type KernelInput } from './kernel-case.js'
import type { KernelDtype } from './kernel-class.js'
import type { KernelShapes } from './kernel-shapes.js'

/** One token of eight sequences. */
export function decodeProduct(hidden: number, wide: number, dtype: KernelDtype): KernelCase {
  return node('linear', `decode 8x${hidden}x${wide}`, dtype, [set(8, hidden), set(wide, hidden)])
}

/** One new token of eight sequences, each after `length` others. */
export function decodeAttention({ length, heads, kvHeads, headDim }: KernelShapes, dtype: KernelDtype): KernelCase {
  const slots = 8
  const cache: KernelInput = { kind: 'state', shape: [slots, length + 1, kvHeads * headDim] }
  const each = (of: (slot: number) => number) => integers(Int32Array.from({ length: slots }, (_, slot) => of(slot)))
  const side = (count: number) => set(slots, count * headDim)
  return node(
    'cached_attention',
    `decode ${slots}x${length} ${heads}/${kvHeads}x${headDim}`,
    dtype,
    [
      side(heads),
      side(kvHeads),
      side(kvHeads),
      cache,
      cache,
      segments(slots, 1),
      each((slot) => slot),
      each(() => length),
    ],
    { heads, kv_heads: kvHeads, head_dim: headDim },
  )
}

/** Settings of a chat: a pass over the logits leaves few candidates. */
export function sampleCase(rows: number, vocabulary: number, dtype: KernelDtype): KernelCase {
  const settings = (value: number): KernelInput => ({ kind: 'floats', shape: [rows], value })
  const uniform = integers(new Int32Array(2 * rows).fill(1 << 25), [rows, 2])
  return node('sample', `${rows}x${vocabulary}`, dtype, [
    set(rows, vocabulary),
    settings(0.7),
    integers(new Int32Array(rows).fill(50)),
    settings(0.9),
    settings(0),
    uniform,
  ])
}
