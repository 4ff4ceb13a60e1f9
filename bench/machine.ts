import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { native } from '../dist/native.js'

/** What a number depends on besides the code. */
export interface Machine {
  readonly processor: string
  readonly architecture: string
  readonly cores: number
  /** The features that choose the kernels. */
  readonly features: readonly string[]
  readonly instructionSet: string
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly compiler: string
  readonly attune: string
  readonly commit: string
  readonly date: string
}

function firstLine(command: string, args: readonly string[]): string {
  try {
    return (
      execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n', 1)[0] ?? ''
    )
  } catch {
    return 'unknown'
  }
}

export function describeMachine(): Machine {
  const { features, instructionSet } = native().processor()
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    architecture: process.arch,
    cores: availableParallelism(),
    features,
    instructionSet,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    compiler: firstLine(process.env['CXX'] ?? 'c++', ['--version']),
    attune: version,
    commit: firstLine('git', ['describe', '--always', '--dirty']),
    date: new Date().toISOString(),
  }
}
