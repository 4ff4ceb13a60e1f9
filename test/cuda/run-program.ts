import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

/** Of the repository: programs import what is built below it. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** What a program prints, run in a process of its own with these variables beside this one's. */
export function runProgram(
  program: string,
  variables: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...variables },
  })
  expect(status, stderr).toBe(0)
  return stdout
}
