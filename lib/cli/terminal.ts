/** What commands write to and read from: the process in earnest, strings in tests. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Whether a person watches: progress bars and streamed text. */
  readonly interactive: boolean
  /** Whether what goes out is read by a person: text and colours rather than JSON. @default false */
  readonly outIsScreen?: boolean
  readonly colors?: boolean
  /** @default process.stdin */
  readonly input?: NodeJS.ReadableStream & { readonly isTTY?: boolean }
}

export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interactive: process.stderr.isTTY && process.env.CI === undefined && process.env.TERM !== 'dumb',
  outIsScreen: process.stdout.isTTY,
  colors: process.stdout.isTTY && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb',
}
