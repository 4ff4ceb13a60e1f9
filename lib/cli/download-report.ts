/** Tells how far downloads from the Hub are: a bar that goes when it is full, or a line now and then. */
import type { SingleBar } from 'cli-progress'
import type { DownloadProgress } from '../hub/download-progress.js'
import type { HubOptions } from '../hub/hub-options.js'
import { bytes } from './amounts.js'
import { progressBar } from './progress-bar.js'
import type { Terminal } from './terminal.js'

// What is there before that needs no bar.
const shownAfter = 300
// Lines that are read afterwards, not watched.
const lineEvery = 10_000
const format = 'downloading {name} {bar} {percentage}% · {done} of {of} · {eta_formatted} left'

/** The option `hub` of a command, whose downloads are shown and end with its signal. */
export function watchedHub(terminal: Terminal, signal: AbortSignal): HubOptions {
  return { signal, onProgress: downloadReport(terminal, signal) }
}

export function downloadReport(
  terminal: Terminal,
  signal: AbortSignal,
  stream: NodeJS.WritableStream = process.stderr,
): (progress: DownloadProgress) => void {
  let began: number | undefined
  let told = -Infinity
  let bar: SingleBar | undefined
  const end = (): void => {
    bar?.stop()
    bar = undefined
    began = undefined
    told = -Infinity
  }
  signal.addEventListener('abort', end, { once: true })
  return ({ repository, bytes: { done, total }, files }) => {
    if (signal.aborted) return
    const now = performance.now()
    const first = began === undefined
    began ??= now
    const isDone = files.done >= files.total
    const amount = { name: repository, done: bytes(done), of: bytes(total) }
    if (terminal.interactive) {
      if (bar === undefined && !isDone && now - began >= shownAfter) {
        bar = progressBar(format, stream)
        bar.start(total, done, amount)
      }
      bar?.update(done, amount)
    } else if (first || isDone || now - told >= lineEvery) {
      const what = isDone ? `downloaded ${repository}:` : `downloading ${repository}: ${amount.done} of`
      terminal.err(`${what} ${amount.of}, ${files.total} file${files.total === 1 ? '' : 's'}\n`)
      told = now
    }
    if (isDone) end()
  }
}
