/** The suite as a dry run: all of it on the processor, and on an emulated GPU a few kernels, and the refusal to time any. */
import { describe, expect, test } from 'vitest'
import { benchCuda } from '../../../bench/cuda/bench-cuda.js'
import { checkCorrectness, faults, type LossCurves } from '../../../bench/cuda/correctness.js'
import type { KernelCase } from '../../../bench/cuda/kernel-case.js'
import { NotMeasurable } from '../../../bench/cuda/measurable.js'
import { reportPage } from '../../../bench/cuda/report-page.js'
import { unavailableCuda } from '../../cuda/emulated-cuda.js'

const options = {
  ...{ kernels: true, steps: true, rounds: 3, timedSteps: 2, unchecked: false, dryRun: true },
  ...{ python: undefined, log: () => undefined },
}

test('everything runs on the processor, and no figure of it is kept', async () => {
  const result = await benchCuda(options)
  expect(result).toMatchObject({
    measured: false,
    device: { kind: 'cpu' },
    peaks: { missing: 'not measured: dry run' },
  })
  for (const { name, time } of result.kernels) expect(time, name).toEqual({ missing: 'not measured: dry run' })
  for (const step of result.steps) expect(step.time, step.case).toEqual({ missing: 'not measured: dry run' })
  expect(result.kernels.length).toBeGreaterThan(100)
  expect(result.steps).toHaveLength(5)
  for (const step of result.steps)
    expect(step.timeWithoutGraphs, step.case).toEqual({ missing: 'not measured: dry run' })
  expect(result.attention).toHaveLength(16)
  for (const { theirs, speedup } of result.attention)
    expect([theirs, speedup]).toEqual([{ missing: 'not measured: dry run' }, undefined])
  expect(result.correctness).toMatchObject({ repeatable: { same: true }, losses: { difference: 0 } })
  expect(reportPage(result)).toContain('nothing was measured')
})

const reason = await unavailableCuda()

describe.skipIf(reason !== undefined)(
  `on an emulated GPU${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    test('times are refused', async () => {
      await expect(benchCuda({ ...options, dryRun: false })).rejects.toThrow(NotMeasurable)
    })

    test('training is the same bits again, and the processor’s losses', { timeout: 300_000 }, async () => {
      const correctness = await checkCorrectness({ dryRun: true, device: 'cuda' })
      expect(faults(correctness)).toEqual([])
      expect(correctness.repeatable).toEqual({ same: true, steps: 3 })
      const { device, processor } = correctness.losses as LossCurves
      expect([device.length, processor.length]).toEqual([3, 3])
      expect(device[2]).toBeLessThan(device[0]!)
    })

    test('kernels run, timed each way', { timeout: 600_000 }, async () => {
      const wanted = new Set(['add', 'rms_norm', 'rms_norm_backward', 'mean_squared_error', 'adamw', 'adamw_8bit'])
      const only = ({ op, dtype }: KernelCase): boolean => wanted.has(op) && dtype === 'bf16'
      const result = await benchCuda({ ...options, device: 'cuda', unchecked: true, steps: false, only })
      expect(result.device).toMatchObject({ kind: 'cuda', hardware: expect.stringContaining('emulated') as string })
      expect(new Set(result.kernels.map(({ how }) => how))).toEqual(new Set(['copies', 'root', 'optimizer']))
      for (const { name, time } of result.kernels) expect(time, name).toEqual({ missing: 'not measured: dry run' })
    })
  },
)
