import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareAttention, runTorchAttention } from '../../../bench/cuda/attention-peer.js'
import { attentionShape, kernelCases, lengthShapes } from '../../../bench/cuda/kernel-cases.js'
import { nameOf } from '../../../bench/cuda/kernel-case.js'
import type { KernelResult } from '../../../bench/cuda/result.js'
import { run } from '../../run-process.js'

const shapes = lengthShapes().slice(0, 2)
const kernel = (name: string, seconds: number): KernelResult => ({
  ...{ name, op: 'attention', class: 'attention', dtype: 'bf16', how: 'copies', predicted: undefined },
  ...{ products: 0, attention: 8e9, elements: 1e9, bytes: 1 },
  time: { seconds, low: seconds, high: seconds, rounds: 3 },
})
const kernels = shapes.flatMap((of, i) => [
  kernel(`attention ${attentionShape(of)} bf16`, 2 + i),
  kernel(`attention_backward ${attentionShape(of)} bf16`, 4 + i),
])

describe('attention beside PyTorch', () => {
  test('has a shape of every length, head size and mask, and each is timed as a kernel', () => {
    const all = lengthShapes()
    expect(new Set(all.map(({ length }) => length))).toEqual(new Set([512, 1024, 2048, 4096, 8192, 16384]))
    const kinds = all.map(({ length, headDim, causal }) => `${length} ${headDim} ${causal}`)
    expect(new Set(kinds).size).toBe(6 * 2 * 2)
    const timed = new Set(kernelCases().map(nameOf))
    for (const of of all) {
      expect(timed).toContain(`attention ${attentionShape(of)} bf16`)
      expect(timed).toContain(`attention_backward ${attentionShape(of)} bf16`)
    }
  })

  test('compares each pass with the median of all rounds of all turns', () => {
    const turn = (forward: number) => shapes.map(() => ({ forward: [forward, forward], backward: [6, 6] }))
    const [first, second, third] = compareAttention(shapes, kernels, [turn(3), turn(5)])
    expect(first).toMatchObject({
      pass: 'forward',
      flops: 8e9,
      ours: { seconds: 2 },
      theirs: { seconds: 4, rounds: 4 },
    })
    expect(first).toMatchObject({ speedup: 2, length: 512, headDim: 64, causal: true })
    expect(second).toMatchObject({ pass: 'backward', theirs: { seconds: 6 }, speedup: 1.5 })
    expect(third).toMatchObject({ pass: 'forward', causal: false, ours: { seconds: 3 } })
  })

  test('stands without a ratio where one of them has no time', () => {
    const missing = { missing: 'no PyTorch' }
    const noTorch = compareAttention(shapes, kernels, [runTorchAttention(missing, shapes, 1)])
    expect(noTorch).toHaveLength(4)
    for (const result of noTorch) expect(result).toMatchObject({ theirs: missing, speedup: undefined })
    const died = { missing: 'OutOfMemoryError: 3 GiB' }
    const turn = [{ forward: [1], backward: [1] }, died]
    expect(compareAttention(shapes, kernels, [turn])[2]).toMatchObject({ theirs: died, speedup: undefined })
    expect(compareAttention(shapes, [], [turn])).toEqual([])
  })
})

const python = join(import.meta.dirname, '../../../.tools/peers/bin/python')
const hasTorch = existsSync(python) && (await run(python, ['-c', 'import torch'])).code === 0

test.skipIf(!hasTorch)(
  `the script times both passes${hasTorch ? '' : ' (skipped: PyTorch is not in .tools/peers)'}`,
  { timeout: 180_000 },
  async () => {
    const asked = [
      { rows: 2, length: 8, heads: 2, headDim: 16, causal: true },
      { rows: 1, length: 9, heads: 1, headDim: 16, causal: false },
    ]
    const args = ['--device', 'cpu', '--rounds', '2', '--seconds', '0', '--shapes', JSON.stringify(asked)]
    const script = join(import.meta.dirname, '../../../bench/peers/torch_attention.py')
    const { stdout, stderr } = await run(python, [script, ...args])
    const { shapes: found } = JSON.parse(stdout || '{}') as { shapes?: Record<string, number[]>[] }
    expect(found, stderr).toHaveLength(2)
    for (const { forward, backward } of found!) {
      expect(forward).toHaveLength(2)
      expect(backward).toHaveLength(2)
      expect([...forward!, ...backward!].every((seconds) => seconds > 0)).toBe(true)
    }
  },
)
