import { CommanderError } from 'commander'
import { AttuneError } from '../errors.js'

export const exitCodes = { done: 0, failed: 1, usedWrongly: 2, errorsFound: 3, interrupted: 130 } as const

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  // Commander throws to end `--help` and `--version` too, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usedWrongly
  if (!(error instanceof AttuneError)) return exitCodes.failed
  if (error.code === 'aborted') return exitCodes.interrupted
  return error.code === 'invalid-option' ? exitCodes.usedWrongly : exitCodes.failed
}

/** The error for a person: message, where, code; the stack where asked for. */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return `error: ${String(error)}\n`
  const lines = [`error: ${error.message}`]
  if (error instanceof AttuneError) {
    if (error.where !== undefined && !error.message.includes(error.where)) lines.push(`  where: ${error.where}`)
    lines.push(`  code: ${error.code}`)
  }
  if (verbose) {
    lines.push(error.stack ?? '')
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
      lines.push(`caused by ${cause.stack ?? cause.message}`)
  }
  return `${lines.join('\n')}\n`
}

/** The error as one JSON line. */
export function errorLine(error: unknown): string {
  const { message } = error instanceof Error ? error : { message: String(error) }
  const known = error instanceof AttuneError ? { code: error.code, where: error.where } : { code: 'internal' }
  return `${JSON.stringify({ type: 'error', message, ...known })}\n`
}
