import { runCommandLine } from '../../lib/cli/program.js'
import type { Terminal } from '../../lib/cli/terminal.js'

export interface CommandResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line on a terminal that is none: what it would write, and its exit code. */
export async function runAttune(argv: readonly string[], terminal: Partial<Terminal> = {}): Promise<CommandResult> {
  let [out, err] = ['', '']
  const code = await runCommandLine(argv, {
    out: (text) => (out += text),
    err: (text) => (err += text),
    interactive: false,
    ...terminal,
  })
  return { code, out, err }
}

/** Output with `--json`. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
