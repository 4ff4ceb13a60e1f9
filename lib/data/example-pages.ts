/**
 * Pages of examples, each a run of 32-bit words: how many examples it holds, where in it each record begins, the records. All but the
 * last hold `examplesPerPage`, so an index says its page.
 */
import { AttuneError } from '../errors.js'
import type { EncodedExample } from './example.js'
import { readRecord, RecordWriter, type StoredExample } from './example-codec.js'
import { exampleList, type ExampleList } from './example-list.js'

/** Few enough that a page of long texts is some megabytes, many enough that a list of all pages is short. */
export const examplesPerPage = 256

/** Collects examples and gives out full pages. */
export class PageBuilder {
  readonly #records = new RecordWriter()
  #starts: number[] = []

  /** The page that this example filled. */
  add(example: StoredExample): Int32Array | undefined {
    this.#starts.push(this.#records.length)
    this.#records.add(example)
    return this.#starts.length === examplesPerPage ? this.#page() : undefined
  }

  /** The last page, where examples are left. */
  finish(): Int32Array | undefined {
    return this.#starts.length === 0 ? undefined : this.#page()
  }

  #page(): Int32Array {
    const count = this.#starts.length
    const page = new Int32Array(1 + count + this.#records.length)
    page[0] = count
    this.#starts.forEach((start, index) => {
      page[1 + index] = 1 + count + start
    })
    page.set(this.#records.words(), 1 + count)
    this.#records.clear()
    this.#starts = []
    return page
  }
}

/** The examples of some pages, read when they are asked for. */
export function pagedExamples<Example = EncodedExample>(
  length: number,
  pageAt: (page: number) => Int32Array | undefined,
): ExampleList<Example> {
  return exampleList(length, (index) => {
    const page = pageAt(Math.floor(index / examplesPerPage))
    const place = index % examplesPerPage
    const start = page?.[1 + place]
    if (page === undefined || start === undefined || place >= (page[0] ?? 0)) {
      throw new AttuneError('invalid-file', `example ${index} is not in its page`)
    }
    return readRecord(page, start) as Example
  })
}
