/** Turns Ctrl-C into an abort signal; a second one ends the process at once. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal
}

export function watchInterrupts(note: () => void): Interruption {
  const controller = new AbortController()
  const interrupt = (): void => {
    controller.abort(new Error('interrupted'))
    note()
    // From here on the signal does what it does by default.
    release()
  }
  const release = (): void => {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return { signal: controller.signal, [Symbol.dispose]: release }
}
