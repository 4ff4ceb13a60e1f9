/** What is found on the way through a stream, told at the end of a pass; bad rows that are skipped, as soon as there is one. */
import type { DataFinding } from '../data/encoded-task.js'
import type { RowProblem } from '../errors.js'
import { findingsOf } from '../inspect/class-checks.js'
import type { ExampleChunk } from './stream-examples.js'
import { cutRows, type Warning } from './warnings.js'

// As many as an error names.
const kept = 10

export class StreamFindings {
  #untold: Warning[] = []
  #told = false
  #bad: { readonly shown: RowProblem[]; count: number } = { shown: [], count: 0 }
  #examples = 0
  #tokens = 0
  #truncated = 0
  #truncatedTokens = 0
  #left = 0
  readonly #found = new Map<DataFinding['code'], DataFinding>()

  /** A pass begins: what was counted of the one before is forgotten. */
  beginPass(): void {
    this.#bad = { shown: [], count: 0 }
    this.#examples = 0
    this.#tokens = 0
    this.#truncated = 0
    this.#truncatedTokens = 0
    this.#left = 0
  }

  addBadRow(bad: RowProblem): void {
    if (this.#told) return
    this.#bad.count++
    if (this.#bad.shown.length < kept) this.#bad.shown.push(bad)
    if (this.#bad.count > 1) return
    const message = `${bad.origin}: ${bad.what}. Such rows are left out, as onBadRow: 'skip' asks; how many there were is told at the end of the pass.`
    this.#untold.push({ code: 'bad-rows', message })
  }

  add({ counts, examples, lengths }: ExampleChunk): void {
    this.#examples += examples.length
    this.#tokens += Array.from(lengths).reduce((sum, length) => sum + length, 0)
    this.#truncated += counts.truncated
    this.#truncatedTokens += counts.truncatedTokens
    this.#left += counts.skipped
    for (const finding of counts.findings) if (!this.#found.has(finding.code)) this.#found.set(finding.code, finding)
  }

  /** A pass, or the run, is over. All passes are over the same rows, so it is told once. */
  summarize(): void {
    if (this.#told) return
    this.#told = true
    const { shown, count } = this.#bad
    const tell = (code: Warning['code'], message: string): number => this.#untold.push({ code, message })
    if (count > 0) {
      const lines = shown.map(({ origin, what }) => `\n  ${origin}: ${what}`).join('')
      const more = count > shown.length ? `\n  … and ${count - shown.length} more` : ''
      tell('bad-rows', `${count} rows cannot be used and were left out:${lines}${more}`)
    }
    const [truncated, truncatedTokens, rows, tokens] = [
      this.#truncated,
      this.#truncatedTokens,
      this.#examples,
      this.#tokens,
    ]
    if (truncated > 0) tell('truncated-rows', cutRows({ truncated, truncatedTokens, rows, tokens }))
    if (this.#left > 0) tell('skipped-rows', `${this.#left} rows were left out: too long, or without a label.`)
    for (const { code, message, advice } of findingsOf([...this.#found.values()])) tell(code, `${message} ${advice}`)
  }

  /** What was found since this was asked last. */
  take(): readonly Warning[] {
    const untold = this.#untold
    this.#untold = []
    return untold
  }
}
