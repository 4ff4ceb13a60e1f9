import type { Terminal } from './terminal.js'

/** What every command gets beside its own options. */
export interface CommandContext {
  readonly terminal: Terminal
  /** A JSON line per event or result. */
  readonly json: boolean
}
