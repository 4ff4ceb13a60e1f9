/** Attention, T5's position buckets and rotary positions against PyTorch's numbers in `goldens/ops`. */
import { describe, expect, it } from 'vitest'
import type { NativeAttributes } from '../../lib/native.js'
import { ropeOf, type RopeConfig } from '../../lib/nn/rope.js'
import { elements } from '../ops/numbers.js'
import { integers } from '../ops/op-case.js'
import { goldensFolder, goldensMissing, readGolden } from '../shared-goldens.js'
import { expectWithin, given, read, runGolden, shapeOf, targets, tensor, type GoldenCase } from './golden-op.js'

interface AttentionCase extends GoldenCase {
  readonly batch: number
  readonly heads: number
  readonly key_heads: number
  readonly queries: number
  readonly keys: number
  readonly head_size: number
  readonly options: {
    readonly causal?: boolean
    readonly window?: number
    readonly both?: number
    readonly softcap?: number
    readonly scale?: number
    /** Real keys of each row; all queries count. */
    readonly lengths?: readonly number[]
    readonly segments?: readonly number[]
    readonly bias?: boolean
  }
}

interface BucketCase {
  readonly num_buckets: number
  readonly max_distance: number
  readonly bidirectional: boolean
  readonly from: number
  readonly to: number
  readonly buckets: readonly number[]
}

interface RopeCase extends Partial<GoldenCase> {
  readonly name: string
  readonly rope_parameters: NonNullable<RopeConfig['rope_parameters']>
  readonly max_position_embeddings: number
  readonly head_size: number
  readonly inv_freq: readonly number[]
  readonly attention_scaling: number
  readonly positions: readonly (readonly number[])[]
}

interface Goldens {
  readonly attention: readonly AttentionCase[]
  readonly t5_buckets: readonly BucketCase[]
  readonly rope: readonly RopeCase[]
}

const none: Goldens = { attention: [], t5_buckets: [], rope: [] }
const goldens = goldensFolder === undefined ? none : readGolden<Goldens>('ops', 'cases.json')

/** Rows [begin, end) of each element of a batch. */
type Rows = readonly (readonly [begin: number, end: number])[]

const firstRows = (counts: readonly number[]): Rows => counts.map((count) => [0, count])
const every = (batch: number, rows: number): Rows => firstRows(Array.from({ length: batch }, () => rows))

/** Calls `visit` with where each head of each row lies in (batch, heads, length, size), token by token. */
function forEachHead(shape: readonly number[], rows: Rows, visit: (start: number, size: number) => void): void {
  const [, heads, length, size] = shape as [number, number, number, number]
  rows.forEach(([begin, end], b) => {
    for (let t = begin; t < end; t++) {
      for (let head = 0; head < heads; head++) visit(((b * heads + head) * length + t) * size, size)
    }
  })
}

/** (batch, heads, length, size) to (tokens, heads × size), of these rows alone. */
function toTokens(name: string, rows: Rows): Float32Array {
  const [values, out] = [read(name), [] as number[]]
  forEachHead(shapeOf(name), rows, (start, size) => out.push(...values.subarray(start, start + size)))
  return Float32Array.from(out)
}

/** Adds such tokens to a tensor of the shape that `name` has. */
function addTokens(sum: Float32Array, name: string, rows: Rows, tokens: ArrayLike<number>): void {
  let at = 0
  forEachHead(shapeOf(name), rows, (start, size) => {
    for (let i = 0; i < size; i++) sum[start + i]! += tokens[at++]!
  })
}

function startsOf(rows: Rows): number[] {
  const starts = [0]
  for (const [begin, end] of rows) starts.push(starts.at(-1)! + end - begin)
  return starts
}

interface AttentionPart {
  readonly queries: Rows
  /** The queries' own rows if absent. */
  readonly keys?: Rows
  readonly causal: boolean
  /** Several segments in one row of the batch. */
  readonly segments?: readonly number[]
  /** (buckets, heads), and how buckets are chosen. */
  readonly bias?: { readonly table: Float32Array; readonly attributes: NativeAttributes }
}

/** Attention of some rows to some rows. */
class GoldenAttention {
  readonly #sums = new Map<string, Float32Array>()

  constructor(
    readonly golden: AttentionCase,
    readonly target: string,
  ) {}

  /** What all parts gave, in the golden's layout. */
  sum(name: 'out' | 'dq' | 'dk' | 'dv'): Float32Array {
    const key = `${this.golden.key}.${name}`
    const sum = this.#sums.get(name) ?? new Float32Array(elements(shapeOf(key)))
    this.#sums.set(name, sum)
    return sum
  }

  /** Returns the gradient of the bias table. */
  async run(part: AttentionPart): Promise<Float32Array | undefined> {
    const { key, heads, key_heads: kvHeads, head_size: headDim, options } = this.golden
    const { queries, keys, segments, bias } = part
    const keyRows = keys ?? queries
    const starts = segments === undefined ? startsOf(queries) : startsOf(firstRows(segments))
    const keyStarts = startsOf(keyRows)
    const side = (name: string, rows: Rows, count: number) =>
      tensor(toTokens(`${key}.${name}`, rows), [startsOf(rows).at(-1)!, count * headDim])
    const result = await runGolden({
      target: this.target,
      op: 'attention',
      attributes: {
        heads,
        kv_heads: kvHeads,
        head_dim: headDim,
        scale: options.scale ?? headDim ** -0.5,
        causal: part.causal,
        // `both` counts the neighbours on each side, `window` the token itself too.
        window: options.window ?? (options.both === undefined ? 0 : options.both + 1),
        softcap: options.softcap ?? 0,
        ...bias?.attributes,
      },
      inputs: [
        side('q', queries, heads),
        side('k', keyRows, kvHeads),
        side('v', keyRows, kvHeads),
        given(integers(starts)),
        given(keys === undefined ? null : integers(keyStarts)),
        bias === undefined ? given(null) : tensor(bias.table, [bias.table.length / heads, heads]),
      ],
      outputShape: [startsOf(queries).at(-1)!, heads * headDim],
      seed: toTokens(`${key}.dout`, queries),
    })
    addTokens(this.sum('out'), `${key}.out`, queries, result.outputs[0]!)
    addTokens(this.sum('dq'), `${key}.dq`, queries, result.gradients.get(0)!)
    addTokens(this.sum('dk'), `${key}.dk`, keyRows, result.gradients.get(1)!)
    addTokens(this.sum('dv'), `${key}.dv`, keyRows, result.gradients.get(2)!)
    return result.gradients.get(5)
  }

  expectAll(): void {
    const { key, tolerance } = this.golden
    for (const name of ['out', 'dq', 'dk', 'dv'] as const) {
      expectWithin(name, this.sum(name), read(`${key}.${name}`), tolerance[name]!)
    }
  }
}

async function checkAttention(golden: AttentionCase, target: string): Promise<void> {
  const { batch, queries, keys, options } = golden
  const { causal = false, lengths, segments, bias } = options
  const attention = new GoldenAttention(golden, target)
  if (bias === true) {
    await checkBias(attention)
  } else if (queries !== keys) {
    const keyRows = lengths === undefined ? every(batch, keys) : firstRows(lengths)
    await attention.run({ queries: every(batch, queries), keys: keyRows, causal: false })
    if (queries === 1) await checkDecoding(golden, target)
  } else if (lengths !== undefined) {
    // PyTorch's padding queries see the real keys too, all of them: they are a cross attention of their own.
    await attention.run({ queries: firstRows(lengths), causal })
    const padding = lengths.map((length) => [length, queries] as const)
    await attention.run({ queries: padding, keys: firstRows(lengths), causal: false })
  } else {
    await attention.run({ queries: every(batch, queries), causal, ...(segments !== undefined && { segments }) })
  }
  attention.expectAll()
}

/** The golden's bias is any (heads, queries, keys): each query goes alone, with a table whose buckets are its keys. */
async function checkBias(attention: GoldenAttention): Promise<void> {
  const { key, heads, queries, keys, tolerance } = attention.golden
  const bias = read(`${key}.bias`)
  const gradient = new Float32Array(bias.length)
  // Buckets both ways: those of keys ahead begin in the middle, and half of them have one distance each.
  const buckets = 4 * keys
  const bucketOf = (distance: number) => (distance === 0 ? 0 : buckets / 2 + distance)
  for (let i = 0; i < queries; i++) {
    const place = (head: number, j: number) => (head * queries + i) * keys + j
    const table = new Float32Array(buckets * heads)
    for (let j = 0; j < keys; j++) {
      for (let head = 0; head < heads; head++) table[bucketOf(j) * heads + head] = bias[place(head, j)]!
    }
    const attributes = { bias_bidirectional: true, bias_max_distance: 4 * keys }
    const part = { queries: [[i, i + 1]] as const, keys: firstRows([keys]), causal: false }
    const dtable = await attention.run({ ...part, bias: { table, attributes } })
    for (let j = 0; j < keys; j++) {
      for (let head = 0; head < heads; head++) gradient[place(head, j)] = dtable![bucketOf(j) * heads + head]!
    }
  }
  expectWithin('dbias', gradient, read(`${key}.dbias`), tolerance['dbias']!)
}

/** One query after many keys is decoding: all keys but the last lie in the cache; or, as cross attention, all of them. */
async function checkDecoding(golden: AttentionCase, target: string): Promise<void> {
  const { key, batch, heads, key_heads: kvHeads, keys, head_size: headDim, tolerance } = golden
  const columns = kvHeads * headDim
  const one = every(batch, 1)
  const all = (name: string) => tensor(toTokens(`${key}.${name}`, every(batch, keys)), [batch, keys, columns])
  const last = (name: string) => {
    const rows = Array.from({ length: batch }, () => [keys - 1, keys] as const)
    return tensor(toTokens(`${key}.${name}`, rows), [batch, columns])
  }
  const nothing = () => tensor(new Float32Array(), [0, columns])
  const slots = given(integers(one.map((_, b) => b)))
  const lengths = (held: number) => given(integers(one.map(() => held)))
  const starts = given(integers(startsOf(one)))
  const causal = [last('k'), last('v'), all('k'), all('v'), starts, slots, lengths(keys - 1)]
  const noNewKeys = given(integers(startsOf(every(batch, 0))))
  const cross = [nothing(), nothing(), all('k'), all('v'), starts, slots, lengths(keys), noNewKeys]
  for (const inputs of [causal, cross]) {
    const result = await runGolden({
      target,
      op: 'cached_attention',
      attributes: { heads, kv_heads: kvHeads, head_dim: headDim, scale: headDim ** -0.5, causal: inputs === causal },
      inputs: [tensor(toTokens(`${key}.q`, one), [batch, heads * headDim]), ...inputs],
      outputShape: [batch, heads * headDim],
    })
    expectWithin('out', result.outputs[0]!, toTokens(`${key}.out`, one), tolerance['out']!)
  }
}

/**
 * The bucket of each distance, read off the probabilities: without scores they are as the bias's exponentials, here
 * bucket + 1, and with values that are the identity the output shows them.
 */
async function checkBuckets(golden: BucketCase, target: string): Promise<void> {
  const { num_buckets: buckets, max_distance, bidirectional, from, to } = golden
  const tokens = to - from + 1
  // As many columns of the identity at a time as a head may have.
  const headDim = Math.min(tokens, 128)
  const table = Float32Array.from({ length: buckets }, (_, bucket) => Math.log(bucket + 1))
  const zeros = () => tensor(new Float32Array(tokens * headDim), [tokens, headDim])
  // The query that has `from` before it and `to` behind. Its own bucket is 0.
  const query = -from
  const probabilities: number[] = []
  while (probabilities.length < tokens) {
    const first = probabilities.length
    const identity = new Float32Array(tokens * headDim)
    for (let column = 0; column < headDim && first + column < tokens; column++) {
      identity[(first + column) * headDim + column] = 1
    }
    const result = await runGolden({
      target,
      op: 'attention',
      attributes: {
        heads: 1,
        head_dim: headDim,
        causal: false,
        bias_max_distance: max_distance,
        bias_bidirectional: bidirectional,
      },
      inputs: [
        zeros(),
        zeros(),
        tensor(identity, [tokens, headDim]),
        given(integers([0, tokens])),
        given(null),
        tensor(table, [buckets, 1]),
      ],
      outputShape: [tokens, headDim],
    })
    const columns = Math.min(headDim, tokens - first)
    probabilities.push(...result.outputs[0]!.subarray(query * headDim, query * headDim + columns))
  }
  const found = probabilities.map((value) => value / probabilities[query]! - 1)
  expectWithin('buckets', found, golden.buckets, { atol: 1e-4 })
}

async function checkRope(golden: RopeCase, target: string): Promise<void> {
  const { key, head_size: headDim, rope_parameters, max_position_embeddings, tolerance } = golden
  const rope = ropeOf({ rope_parameters }, headDim, max_position_embeddings)
  expect(rope.inverseFrequencies.length).toBe(golden.inv_freq.length)
  golden.inv_freq.forEach((expected, index) => {
    expect(Math.abs(rope.inverseFrequencies[index]! / expected - 1), `inv_freq[${index}]`).toBeLessThanOrEqual(1e-6)
  })
  expect(rope.attentionScaling).toBeCloseTo(golden.attention_scaling, 12)
  // dynamic and longrope are frequencies alone.
  if (key === undefined || tolerance === undefined) return
  const [, heads, tokens] = shapeOf(`${key}.x`) as [number, number, number]
  const result = await runGolden({
    target,
    op: 'rotary',
    attributes: {
      head_dim: headDim,
      inverse_frequencies: rope.inverseFrequencies,
      attention_scaling: rope.attentionScaling,
    },
    inputs: [
      tensor(toTokens(`${key}.x`, every(1, tokens)), [tokens, heads * headDim]),
      given(integers(golden.positions[0]!)),
    ],
    outputShape: [tokens, heads * headDim],
  })
  expectWithin('out', result.outputs[0]!, toTokens(`${key}.out`, every(1, tokens)), tolerance['out']!)
}

describe.skipIf(goldensFolder === undefined)(`attention and positions against PyTorch ${goldensMissing}`, () => {
  describe.each(targets)('%s', (target) => {
    for (const golden of goldens.attention) {
      it(`attention ${golden.name}`, () => checkAttention(golden, target))
    }
    for (const golden of goldens.t5_buckets) {
      const { num_buckets: buckets, max_distance: distance, bidirectional } = golden
      it(`${buckets} buckets up to ${distance}, ${bidirectional ? 'both ways' : 'backwards'}`, () =>
        checkBuckets(golden, target))
    }
    for (const golden of goldens.rope) it(`rope ${golden.name}`, () => checkRope(golden, target))
  })
})
