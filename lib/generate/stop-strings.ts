/** Holds text back while it could still be the beginning of a stop string, across the borders of tokens. */
export class StopStrings {
  #held = ''
  readonly #stops: readonly string[]

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '')
  }

  /** Adds text; gives what may be shown now, and the stop string that ended it. Nothing of a stop string is shown. */
  push(text: string): { readonly text: string; readonly stop: string | undefined } {
    const all = this.#held + text
    let end = all.length
    let found: string | undefined
    for (const stop of this.#stops) {
      const index = all.indexOf(stop)
      if (index !== -1 && (index < end || found === undefined)) {
        end = index
        found = stop
      }
    }
    if (found !== undefined) {
      this.#held = ''
      return { text: all.slice(0, end), stop: found }
    }
    const safe = all.length - this.#longestBeginning(all)
    this.#held = all.slice(safe)
    return { text: all.slice(0, safe), stop: undefined }
  }

  /** What was held back, once no more text comes. */
  flush(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  /** Length of the longest end of the text that begins a stop string. */
  #longestBeginning(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length
      }
    }
    return longest
  }
}
