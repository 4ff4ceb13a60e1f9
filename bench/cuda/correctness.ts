/** What has to be right before anything is timed. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { repositoryRoot } from './repository-root.js'
import { isAbsent, type Absent } from './absent.js'
import { opErrorsVariable, type OpError } from './op-error.js'
import { smallTraining, sameBits, type SmallTraining } from './small-training.js'

export interface TestCounts {
  readonly name: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export interface SanitizerRun {
  readonly tool: string
  /** Undefined where its output has no summary: it did not get that far. */
  readonly errors: number | undefined
}

export interface Correctness {
  readonly tests: readonly (TestCounts | (Absent & { readonly name: string }))[]
  /** Of the tests of every op, against float64. */
  readonly opErrors: readonly OpError[] | Absent
  readonly sanitizer: readonly SanitizerRun[] | Absent
  /** Losses and weights of the same training twice. */
  readonly repeatable: { readonly same: boolean; readonly steps: number } | Absent
  readonly losses: LossCurves | Absent
}

export interface LossCurves {
  readonly device: readonly number[]
  readonly processor: readonly number[]
  /** The most that two losses of a step differ by, as a part of the processor's. */
  readonly difference: number
}

/** float32 of another order of sums, over 100 steps of a model that learns: 1e-3 is far above it and far below any mistake seen. */
export const lossTolerance = 1e-3

/** What speaks against timing; empty where all is well. What could not be done here is no fault. */
export function faults({ tests, sanitizer, repeatable, losses }: Correctness): string[] {
  return [
    ...tests.flatMap((test) => (isAbsent(test) || test.failed === 0 ? [] : [`${test.name}: ${test.failed} failed`])),
    ...(isAbsent(sanitizer) ? [] : sanitizer)
      .filter(({ errors }) => errors !== 0)
      .map(
        ({ tool, errors }) =>
          `compute-sanitizer ${tool}: ${errors ?? 'no'} ${errors === undefined ? 'summary' : 'errors'}`,
      ),
    ...(isAbsent(repeatable) || repeatable.same ? [] : ['two runs of the same training differ']),
    ...(isAbsent(losses) || losses.difference <= lossTolerance
      ? []
      : [`losses are up to ${losses.difference.toExponential(1)} of the processor's away from them`]),
  ]
}

export interface CorrectnessOptions {
  /** Fewer steps, and neither tests nor sanitizer, which take minutes on an emulator and are its own tests already. */
  readonly dryRun: boolean
  readonly device: 'cpu' | 'cuda'
}

export async function checkCorrectness({ dryRun, device }: CorrectnessOptions): Promise<Correctness> {
  const training = await checkTraining(device, dryRun ? 3 : 100)
  const left = { missing: 'not run: dry run' }
  if (dryRun) {
    return { tests: testRuns.map(({ name }) => ({ name, ...left })), opErrors: left, sanitizer: left, ...training }
  }
  return { ...runAllTests(), sanitizer: runSanitizer(), ...training }
}

async function checkTraining(
  device: 'cpu' | 'cuda',
  steps: number,
): Promise<Pick<Correctness, 'repeatable' | 'losses'>> {
  try {
    const [first, second] = [await smallTraining(device, steps), await smallTraining(device, steps)]
    const processor = await smallTraining('cpu', steps)
    return { repeatable: { same: sameBits(first, second), steps }, losses: compareLosses(first, processor) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'missing-kernel') throw error
    const missing = { missing: (error as Error).message }
    return { repeatable: missing, losses: missing }
  }
}

export function compareLosses(
  device: Pick<SmallTraining, 'losses'>,
  processor: Pick<SmallTraining, 'losses'>,
): LossCurves {
  const difference = device.losses.reduce((most, loss, step) => {
    const other = processor.losses[step] ?? NaN
    const part = Math.abs(loss - other) / Math.abs(other)
    // A loss that is no number is as far away as can be.
    return Math.max(most, Number.isNaN(part) ? Infinity : part)
  }, 0)
  return { device: device.losses, processor: processor.losses, difference }
}

/** Every op, and models of all families, as they are tested on the emulator. */
const testRuns = [
  { name: 'every op', args: ['--project', 'cpu', 'test/cuda/ops.test.ts'] },
  { name: 'models of all families', args: ['--project', 'cuda'] },
]

/** ATTUNE_CUDA_DRIVER set to nothing: the system's driver, where the tests would build the emulator. */
const onTheCard = { ...process.env, ATTUNE_CUDA_DRIVER: '' }

function runAllTests(): Pick<Correctness, 'tests' | 'opErrors'> {
  const folder = mkdtempSync(join(tmpdir(), 'attune-bench-cuda-'))
  try {
    const tests = testRuns.map(({ name, args }) => runTests(name, args, folder))
    return { tests, opErrors: readOpErrors(opErrorsIn(folder)) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const opErrorsIn = (folder: string): string => join(folder, 'op-errors.json')

/** A difference that is no number is null in JSON: as far away as can be. */
export function readOpErrors(path: string): readonly OpError[] | Absent {
  try {
    const infinite = (_: string, value: unknown): unknown => (value === null ? Infinity : value)
    return JSON.parse(readFileSync(path, 'utf8'), infinite) as OpError[]
  } catch (error) {
    return { missing: `the tests of ops left no errors: ${(error as Error).message}` }
  }
}

function runTests(
  name: string,
  args: readonly string[],
  folder: string,
): TestCounts | (Absent & { readonly name: string }) {
  const report = join(folder, 'results.json')
  try {
    rmSync(report, { force: true })
    const vitest = join(repositoryRoot, 'node_modules/vitest/vitest.mjs')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { status } = spawnSync(process.execPath, [vitest, 'run', ...args, ...reporters], {
      cwd: repositoryRoot,
      env: { ...onTheCard, [opErrorsVariable]: opErrorsIn(folder) },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    return parseTests(name, readFileSync(report, 'utf8'), status)
  } catch (error) {
    return { name, missing: `the tests left no report: ${(error as Error).message}` }
  }
}

/** Vitest's own report. It can fail without a failed test: a file that does not load. */
export function parseTests(name: string, report: string, status: number | null): TestCounts {
  const counts = JSON.parse(report) as Readonly<Record<string, number>>
  const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = counts
  const failed = numFailedTests === 0 && status !== 0 ? 1 : numFailedTests
  return { name, passed, failed, skipped: numPendingTests + numTodoTests }
}

const sanitizerTools = ['memcheck', 'racecheck', 'synccheck']

function runSanitizer(): SanitizerRun[] | Absent {
  const sanitizer = onPath('compute-sanitizer')
  if (sanitizer === undefined) return { missing: 'compute-sanitizer is not on the PATH' }
  const program = fileURLToPath(new URL('small-program.js', import.meta.url))
  return sanitizerTools.map((tool) => {
    const args = ['--tool', tool, '--target-processes', 'all', process.execPath, program]
    const { stdout, stderr } = spawnSync(sanitizer, args, { encoding: 'utf8', env: onTheCard, maxBuffer: 2 ** 28 })
    return { tool, errors: sanitizerErrors(`${stdout}${stderr}`) }
  })
}

/** `ERROR SUMMARY: 0 errors`, of racecheck `RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)`. */
export function sanitizerErrors(output: string): number | undefined {
  const found = /(?:ERROR|RACECHECK) SUMMARY: (\d+) (?:errors?|hazards?)/.exec(output)
  return found === null ? undefined : Number(found[1])
}

function onPath(name: string): string | undefined {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
