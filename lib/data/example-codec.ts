/**
 * Examples as 32-bit words: what the token store holds. A record is a word of bits (which fields the example has), then for each of
 * these fields, in the order of `fields`, a word of kind and length and the values.
 */
import { AttuneError } from '../errors.js'
import type { EncodedExample } from './example.js'
import type { MaskableText } from './mask-tokens.js'
import { ignoredLabel } from './row-encoders.js'

/** Every field that an example of some task has. New ones come last, and `codecVersion` goes up when an old one changes. */
const fields = [
  'inputIds',
  'labels',
  'tokenTypeIds',
  'decoderInputIds',
  'positiveIds',
  'negativeIds',
  'wordIds',
  'units',
  'offsets',
  'noAnswerAt',
  'row',
  'origin',
  'window',
] as const

export const codecVersion = 1

/** What a record holds; of masked-lm the text, which is masked anew each time it is read. */
export type StoredExample = EncodedExample | MaskableText

const kinds = { ids: 0, integer: 1, number: 2, integers: 3, numbers: 4, spans: 5, pairs: 6, text: 7 } as const
const lengthBits = 28
const longest = 2 ** lengthBits - 1

/** Words of records, one after another, in memory that grows. */
export class RecordWriter {
  #words = new Int32Array(1 << 14)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** What was written, without a copy: gone with the next `add` or `clear`. */
  words(): Int32Array {
    return this.#words.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  /** @throws AttuneError 'internal' for an example with a field that records do not have: it would be lost */
  add(example: StoredExample): void {
    const given = new Map(Object.entries(example).filter(([, value]) => value !== undefined))
    let present = 0
    fields.forEach((name, bit) => {
      if (given.has(name)) present |= 1 << bit
    })
    this.#push(present)
    for (const name of fields) {
      const value: unknown = given.get(name)
      if (value === undefined) continue
      given.delete(name)
      const spans = name === 'labels' ? labelSpans(value, example.inputIds) : undefined
      if (spans !== undefined) this.#array(kinds.spans, spans.length / 2, spans)
      else this.#value(name, value)
    }
    const [unknown] = given.keys()
    if (unknown !== undefined) throw new AttuneError('internal', `examples with '${unknown}' cannot be stored`)
  }

  #value(name: string, value: unknown): void {
    if (value instanceof Int32Array) this.#array(kinds.ids, value.length, value)
    else if (typeof value === 'number' && isInt32(value)) this.#array(kinds.integer, 1, Int32Array.of(value))
    else if (typeof value === 'number') this.#array(kinds.number, 1, asWords(Float64Array.of(value)))
    else if (typeof value === 'string') {
      const bytes = Buffer.from(value, 'utf8')
      const padded = new Int32Array(Math.ceil(bytes.length / 4))
      new Uint8Array(padded.buffer).set(bytes)
      this.#array(kinds.text, bytes.length, padded)
    } else if (isPairs(value)) {
      this.#array(kinds.pairs, value.length, Int32Array.from(value.flatMap((pair) => pair ?? [-1, -1])))
    } else if (isNumbers(value)) {
      if (value.every(isInt32)) this.#array(kinds.integers, value.length, Int32Array.from(value))
      else this.#array(kinds.numbers, value.length, asWords(Float64Array.from(value)))
    } else throw new AttuneError('internal', `an example's ${name} cannot be stored`)
  }

  #array(kind: number, length: number, words: Int32Array): void {
    if (length > longest) throw new AttuneError('sequence-too-long', `an example of ${length} tokens cannot be stored`)
    this.#push(kind * 2 ** lengthBits + length)
    this.#reserve(words.length)
    this.#words.set(words, this.#length)
    this.#length += words.length
  }

  #push(word: number): void {
    this.#reserve(1)
    this.#words[this.#length++] = word
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#words.length) return
    const larger = new Int32Array(Math.max(2 * this.#words.length, this.#length + count))
    larger.set(this.#words.subarray(0, this.#length))
    this.#words = larger
  }
}

/**
 * The example whose record begins at a word. Lists of ids are views of `words`, not copies.
 * @throws AttuneError 'invalid-file' where no record can begin there
 */
export function readRecord(words: Int32Array, start: number): StoredExample {
  let at = start
  const take = (count: number): Int32Array => {
    if (at + count > words.length) throw new AttuneError('invalid-file', `a record goes past its page at word ${start}`)
    at += count
    return words.subarray(at - count, at)
  }
  const word = (): number => take(1)[0] ?? 0
  const present = word()
  const example: Record<string, unknown> = {}
  fields.forEach((name, bit) => {
    if ((present & (1 << bit)) === 0) return
    const head = word()
    const kind = head >>> lengthBits
    const length = head & longest
    if (kind === kinds.ids) example[name] = take(length)
    else if (kind === kinds.integer) example[name] = word()
    else if (kind === kinds.number) example[name] = numbersOf(take(2))[0]
    else if (kind === kinds.integers) example[name] = Array.from(take(length))
    else if (kind === kinds.numbers) example[name] = Array.from(numbersOf(take(2 * length)))
    else if (kind === kinds.spans) example[name] = labelsOfSpans(take(2 * length), example['inputIds'] as Int32Array)
    else if (kind === kinds.pairs) example[name] = pairsOf(take(2 * length))
    else if (kind === kinds.text) {
      const text = take(Math.ceil(length / 4))
      example[name] = Buffer.from(text.buffer, text.byteOffset, length).toString('utf8')
    } else throw new AttuneError('invalid-file', `there is no kind ${kind} of field at word ${at}`)
  })
  return example as unknown as StoredExample
}

/** Labels that are the ids in some spans and -100 elsewhere, as the bounds of the spans; half of a causal model's data. */
function labelSpans(labels: unknown, ids: EncodedExample['inputIds']): Int32Array | undefined {
  if (!(labels instanceof Int32Array) || !(ids instanceof Int32Array) || labels.length !== ids.length) return undefined
  const bounds: number[] = []
  let inside = false
  for (let at = 0; at < labels.length; at++) {
    const isIgnored = labels[at] === ignoredLabel
    if (!isIgnored && labels[at] !== ids[at]) return undefined
    if (isIgnored === inside) {
      bounds.push(at)
      inside = !inside
    }
  }
  if (inside) bounds.push(labels.length)
  return bounds.length < labels.length ? Int32Array.from(bounds) : undefined
}

function labelsOfSpans(bounds: Int32Array, ids: Int32Array): Int32Array {
  const labels = new Int32Array(ids.length).fill(ignoredLabel)
  for (let span = 0; span < bounds.length; span += 2) {
    const from = bounds[span] ?? 0
    labels.set(ids.subarray(from, bounds[span + 1]), from)
  }
  return labels
}

function pairsOf(words: Int32Array): ([number, number] | null)[] {
  return Array.from({ length: words.length / 2 }, (_, index) => {
    const [from = -1, to = -1] = words.subarray(2 * index, 2 * index + 2)
    return from < 0 ? null : [from, to]
  })
}

function asWords(numbers: Float64Array): Int32Array {
  return new Int32Array(numbers.buffer)
}

/** Copied: records are not aligned to eight bytes. */
function numbersOf(words: Int32Array): Float64Array {
  return new Float64Array(words.slice().buffer)
}

function isInt32(value: number): boolean {
  return Object.is(value, value | 0)
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}

function isPairs(value: unknown): value is readonly (readonly [number, number] | null)[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((item: unknown) => item === null || Array.isArray(item))
  )
}
