import type { SingleBar } from 'cli-progress'
import type { EncodingProgress } from '../data/encoding-options.js'
import { progressBar } from './progress-bar.js'
import type { Terminal } from './terminal.js'

// What is done before that needs no report.
const shownAfter = 500
// Lines that are read afterwards, not watched.
const lineEvery = 10_000
const format = 'tokenizing {value}/{total} rows {bar} {percentage}% · {eta_formatted} left'

/** Tells how many rows are tokenized, where that takes a while: a bar that goes when it is full, or a line now and then. */
export function encodingReport(terminal: Terminal, stream: NodeJS.WritableStream = process.stderr): EncodingProgress {
  let began: number | undefined
  let told = -Infinity
  let bar: SingleBar | undefined
  return ({ rows, ofRows }) => {
    const now = performance.now()
    began ??= now
    const isDone = rows >= ofRows
    if (terminal.interactive) {
      if (bar === undefined && !isDone && now - began >= shownAfter) {
        bar = progressBar(format, stream)
        bar.start(ofRows, rows)
      }
      bar?.update(rows)
      if (isDone) bar?.stop()
    } else if (!isDone && now - Math.max(began, told) >= lineEvery) {
      terminal.err(`tokenized ${rows} of ${ofRows} rows\n`)
      told = now
    }
    if (!isDone) return
    // Other rows may follow: those to validate on.
    bar = undefined
    began = undefined
  }
}
