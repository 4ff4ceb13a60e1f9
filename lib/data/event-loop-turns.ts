import { setImmediate } from 'node:timers/promises'

/** Long work on the main thread, cut so that timers, input and requests wait for milliseconds only. */
export class EventLoopTurns {
  readonly #milliseconds: number
  #began = performance.now()

  /** @param milliseconds that the event loop may be held at a time */
  constructor(milliseconds = 10) {
    this.#milliseconds = milliseconds
  }

  /** Whether it is time for `next`: cheap enough to be asked for every row. */
  get isDue(): boolean {
    return performance.now() - this.#began >= this.#milliseconds
  }

  /** Lets whatever waits run. */
  async next(): Promise<void> {
    await setImmediate()
    this.#began = performance.now()
  }
}
