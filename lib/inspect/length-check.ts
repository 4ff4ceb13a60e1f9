import { counted, countedThat } from './counted.js'
import type { Finding } from './finding.js'
import { LengthCounter, type LengthSummary } from './length-counter.js'
import { labelledAfterCut, type MeasuredExample } from './measure-rows.js'
import { Places } from './places.js'

export interface LengthOptions {
  /** The most tokens of a text; undefined: no limit is known. */
  readonly maxLength: number | undefined
  /** Of a target; absent: as `maxLength`. */
  readonly maxTargetLength: number | undefined
  readonly truncation: TruncationPolicy
}

export type TruncationPolicy = 'error' | 'tail' | 'head' | 'skip' | 'split' | 'window'

export interface LongRow {
  readonly origin: string
  readonly length: number
}

export interface TruncationSummary {
  readonly maxLength: number
  readonly truncation: TruncationPolicy
  /** Examples that are longer. */
  readonly rows: number
  /** Their tokens beyond it. */
  readonly tokens: number
  /** With truncation 'window': how many windows they become. */
  readonly windows?: number
}

const longestKept = 10

/** How long examples are, and what happens to those that are too long. */
export class LengthCheck {
  readonly #options: LengthOptions
  readonly #lengths = new LengthCounter()
  readonly #longest: LongRow[] = []
  readonly #tooLong = new Places()
  readonly #masked = new Places()
  #cut = 0
  #windows = 0
  #trained = 0
  #unknown = 0

  constructor(options: LengthOptions) {
    this.#options = options
  }

  add({ lengths, labels, trained, unknown, windows = 0 }: MeasuredExample, origin: string): void {
    const { maxLength = Infinity, maxTargetLength = maxLength, truncation } = this.#options
    const length = lengths.reduce((sum, one) => sum + one, 0)
    this.#count(length, origin)
    this.#trained += trained
    this.#unknown += unknown
    const limits = [maxLength, maxTargetLength]
    const beyond = lengths.reduce((sum, one, at) => sum + Math.max(0, one - (limits[at] ?? maxLength)), 0)
    if (beyond === 0) return
    const [longest = 0] = [...lengths].sort((a, b) => b - a)
    this.#tooLong.note(origin, `${longest.toLocaleString('en')} tokens`)
    this.#cut += beyond
    this.#windows += windows
    if (labels === undefined || (truncation !== 'tail' && truncation !== 'head')) return
    if (labelledAfterCut(labels, maxLength, truncation) === 0) this.#masked.note(origin)
  }

  /** Of rows that are not tokenized. */
  addCharacters(length: number, origin: string): void {
    this.#count(length, origin)
  }

  get summary(): LengthSummary | undefined {
    return this.#lengths.summary()
  }

  /** The longest first. */
  get longest(): readonly LongRow[] {
    return this.#longest
  }

  /** What carries loss: tokens, or rows. */
  get trained(): number {
    return this.#trained
  }

  /** Tokens of all examples, of each no more than this many. */
  tokensUpTo(length: number): number {
    return this.#lengths.totalUpTo(length)
  }

  get truncation(): TruncationSummary | undefined {
    const { maxLength, truncation } = this.#options
    if (maxLength === undefined) return undefined
    const windows = this.#windows > 0 ? { windows: this.#windows } : {}
    return { maxLength, truncation, rows: this.#tooLong.count, tokens: this.#cut, ...windows }
  }

  findings(): Finding[] {
    return [...this.#tooLongFinding(), ...this.#maskedFinding(), ...this.#unknownFinding()]
  }

  #tooLongFinding(): Finding[] {
    const { maxLength = Infinity, truncation } = this.#options
    const { count, where } = this.#tooLong
    if (count === 0) return []
    const limit = maxLength.toLocaleString('en')
    const tokens = counted(this.#cut, 'token')
    if (truncation === 'error') {
      const message = countedThat(count, 'row', `are longer than ${limit} tokens, and truncation is 'error'.`)
      const advice =
        "Raise maxLength where the model allows it, shorten the rows, or set truncation to 'tail', 'head' or 'skip'."
      return [{ code: 'sequence-too-long', severity: 'error', message, advice, where, count }]
    }
    if (truncation === 'skip') {
      const message = countedThat(count, 'row', `are left out: longer than ${limit} tokens.`)
      const advice = 'Raise maxLength where the model allows it, or shorten the rows.'
      return [{ code: 'skipped-rows', severity: 'warning', message, advice, where, count }]
    }
    if (truncation === 'split' || truncation === 'window') {
      // Without a task nothing is cut yet.
      const windows = this.#windows > 0 ? counted(this.#windows, 'window') : 'windows'
      const message = countedThat(count, 'row', `are cut into ${windows} of at most ${limit} tokens.`)
      return [{ code: 'truncated-rows', severity: 'note', message, advice: 'Nothing is lost.', where, count }]
    }
    const message = countedThat(
      count,
      'row',
      `lose ${tokens}: what is beyond ${limit} is cut off at the ${truncation === 'tail' ? 'end' : 'beginning'}.`,
    )
    const advice =
      'Raise maxLength where the model allows it, or shorten the rows; look at what is lost in the longest ones.'
    return [{ code: 'truncated-rows', severity: 'warning', message, advice, where, count }]
  }

  #maskedFinding(): Finding[] {
    const { count, where } = this.#masked
    if (count === 0) return []
    const message = countedThat(
      count,
      'row',
      'have nothing left to learn from after truncation: all that carries loss is cut off.',
    )
    const advice = "Raise maxLength, cut off the other end, or set truncation to 'skip'."
    return [{ code: 'all-labels-masked', severity: 'error', message, advice, where, count }]
  }

  #unknownFinding(): Finding[] {
    const total = this.#lengths.summary()?.total ?? 0
    // A stray sign or two is nothing; more means a text of another language or script than the tokenizer's.
    if (this.#unknown < 0.005 * total || this.#unknown === 0) return []
    const share = ((100 * this.#unknown) / total).toFixed(1)
    return [
      {
        code: 'unknown-tokens',
        severity: 'warning',
        message: `${share} % of the tokens are unknown to the tokenizer: the model cannot tell them apart.`,
        advice: 'Take a model whose tokenizer covers the language and the signs of these texts.',
        where: [],
        count: this.#unknown,
      },
    ]
  }

  #count(length: number, origin: string): void {
    this.#lengths.add(length)
    const shortest = this.#longest.at(-1)
    if (this.#longest.length >= longestKept && shortest !== undefined && length <= shortest.length) return
    const before = this.#longest.findIndex((row) => row.length < length)
    this.#longest.splice(before < 0 ? this.#longest.length : before, 0, { origin, length })
    if (this.#longest.length > longestKept) this.#longest.pop()
  }
}
