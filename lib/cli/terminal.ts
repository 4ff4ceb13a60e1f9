/** What commands write to and read from: the process in earnest, strings in tests. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Whether a person watches: progress bars and streamed text. */
  readonly interactive: boolean
}

export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interactive: process.stderr.isTTY && process.env.CI === undefined && process.env.TERM !== 'dumb',
}
