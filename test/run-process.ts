/**
 * Programs in processes of their own. Never waited for by a call that blocks: a test file that says nothing for a minute loses the answers
 * of vitest, whose run then fails without a failed test.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** Of the repository, where they run. */
export const root = join(import.meta.dirname, '..')

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** `variables` are set beside this process's. */
export function run(
  command: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...variables } })
    const result = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...result }))
  })
}

/** A program as text, run by node. */
export function runProgram(
  program: string,
  variables: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Run> {
  return run(process.execPath, ['--input-type=module', '-e', program, ...args], variables)
}
