import type { Terminal } from './terminal.js'

/** What every command gets beside its own options. */
export interface CommandContext {
  readonly terminal: Terminal
  /** A JSON line per event or result. */
  readonly json: boolean
  /** Ends the program with this code, where the command itself went well. */
  readonly exitWith: (code: number) => void
}
