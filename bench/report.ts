import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aligned } from './aligned.js'
import type { Machine } from './machine.js'
import type { MemoryReport } from './memory.js'

export interface TaskReport {
  readonly name: string
  /** Of one run. */
  readonly medianMs: number
  /** Median distance from the median, as a part of it. */
  readonly spread: number
  readonly samples: number
  readonly rate: number
  readonly unit: string
}

export interface SuiteReport {
  readonly suite: string
  readonly tasks: readonly TaskReport[]
}

/** Three digits that count: 1234567 -> '1,230,000', 0.01234 -> '0.0123'. */
export function threeDigits(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

export function table({ suite, tasks }: SuiteReport): string {
  const rows = [
    [suite, 'median', 'spread', 'rate', 'samples'],
    ...tasks.map(({ name, medianMs, spread, rate, unit, samples }) => [
      name,
      `${threeDigits(medianMs)} ms`,
      `±${threeDigits(100 * spread)} %`,
      `${threeDigits(rate)} ${unit}/s`,
      String(samples),
    ]),
  ]
  return aligned(rows)
}

/** Writes bench/results/<date>.json and gives its path. */
export function writeResults(
  folder: string,
  machine: Machine,
  suites: readonly SuiteReport[],
  memory: readonly MemoryReport[] | undefined,
): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${machine.date.replaceAll(':', '-')}.json`)
  writeFileSync(path, `${JSON.stringify({ machine, suites, memory }, undefined, 2)}\n`)
  return path
}
