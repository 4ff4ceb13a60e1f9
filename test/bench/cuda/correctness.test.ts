import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  compareLosses,
  faults,
  lossTolerance,
  parseTests,
  readOpErrors,
  sanitizerErrors,
  type Correctness,
} from '../../../bench/cuda/correctness.js'
import { NotMeasurable, requireMeasurable } from '../../../bench/cuda/measurable.js'
import { parsePeer, variantsOf } from '../../../bench/cuda/torch.js'

const right: Correctness = {
  tests: [
    { name: 'ops', passed: 3, failed: 0, skipped: 1 },
    { name: 'models', missing: 'not run' },
  ],
  opErrors: [],
  sanitizer: [{ tool: 'memcheck', errors: 0 }],
  repeatable: { same: true, steps: 3 },
  losses: { device: [1], processor: [1], difference: 0 },
}

describe('what speaks against timing', () => {
  test('is nothing where all is well, or could not be looked at', () => {
    expect(faults(right)).toEqual([])
    const missing = { missing: 'no kernel' }
    const all = { opErrors: missing, sanitizer: missing, repeatable: missing, losses: missing }
    expect(faults({ tests: [], ...all })).toEqual([])
  })

  test('is every fault, by name', () => {
    const wrong: Correctness = {
      tests: [{ name: 'ops', passed: 3, failed: 2, skipped: 0 }],
      opErrors: { missing: 'no file' },
      sanitizer: [
        { tool: 'racecheck', errors: 4 },
        { tool: 'synccheck', errors: undefined },
      ],
      repeatable: { same: false, steps: 3 },
      losses: { device: [1], processor: [2], difference: 2 * lossTolerance },
    }
    expect(faults(wrong)).toEqual([
      'ops: 2 failed',
      'compute-sanitizer racecheck: 4 errors',
      'compute-sanitizer synccheck: no summary',
      'two runs of the same training differ',
      "losses are up to 2.0e-3 of the processor's away from them",
    ])
  })
})

test("vitest's report", () => {
  const report = JSON.stringify({ numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 })
  expect(parseTests('ops', report, 1)).toEqual({ name: 'ops', passed: 5, failed: 1, skipped: 3 })
  // A file that does not load fails no test.
  expect(parseTests('ops', JSON.stringify({ numPassedTests: 5, numFailedTests: 0 }), 1).failed).toBe(1)
})

test('errors of ops are read from their file; what is no number is as far away as can be', () => {
  const folder = mkdtempSync(join(tmpdir(), 'attune-op-errors-'))
  const path = join(folder, 'errors.json')
  const outputs = { absolute: NaN, relative: Infinity, ofTolerance: 0.5 }
  writeFileSync(path, JSON.stringify([{ op: 'add', dtype: 'f32', outputs }]))
  expect(readOpErrors(path)).toEqual([
    { op: 'add', dtype: 'f32', outputs: { absolute: Infinity, relative: Infinity, ofTolerance: 0.5 } },
  ])
  rmSync(folder, { recursive: true })
  expect(readOpErrors(path)).toMatchObject({ missing: expect.stringContaining('left no errors') as string })
})

test.each([
  ['========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors', 0],
  ['========= ERROR SUMMARY: 1 error', 1],
  ['========= RACECHECK SUMMARY: 12 hazards displayed (12 errors, 0 warnings)', 12],
  ['========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)', 0],
  ['========= Error: could not start', undefined],
])('the summary of compute-sanitizer: %s', (output, errors) => {
  expect(sanitizerErrors(output)).toBe(errors)
})

test('losses are compared step by step; what is no number is as far as can be', () => {
  expect(compareLosses({ losses: [2, 1.1] }, { losses: [2, 1] }).difference).toBeCloseTo(0.1, 12)
  expect(compareLosses({ losses: [NaN] }, { losses: [2] }).difference).toBe(Infinity)
})

test('times are taken on a GPU alone', () => {
  expect(() => {
    requireMeasurable({ device: 'cpu', hardware: 'avx2' })
  }).toThrow(NotMeasurable)
  const hardware = 'attune CUDA emulator (emulated on the CPU, not a GPU)'
  expect(() => {
    requireMeasurable({ device: 'cuda', hardware })
  }).toThrow(/^attune CUDA emulator .*: times on an emulator say nothing of a GPU/)
  requireMeasurable({ device: 'cuda', hardware: 'NVIDIA A100-SXM4-80GB' })
})

describe('PyTorch', () => {
  const step = { title: '', config: {}, batch: 1, length: 1 }

  test("the script's last line, or what it died of", () => {
    const line = JSON.stringify({ seconds: [1, 2], peakDeviceBytes: 5 })
    expect(parsePeer(0, `compiling\n${line}\n`, '')).toEqual({ seconds: [1, 2], peakDeviceBytes: 5 })
    expect(parsePeer(1, '', 'Traceback\ntorch.OutOfMemoryError: CUDA out of memory.')).toEqual({
      missing: 'torch.OutOfMemoryError: CUDA out of memory.',
    })
    expect(parsePeer(null, '', '')).toEqual({ missing: 'PyTorch ended with a signal' })
  })

  test('holds frozen weights as attune does', () => {
    expect(variantsOf(step)).toEqual(['autocast+fused', 'autocast+fused+compile'])
    const adapter = { rank: 1, alpha: 1, targets: 'all-linear' } as const
    expect(variantsOf({ ...step, adapter })[0]).toBe('autocast+bf16+fused')
  })
})
