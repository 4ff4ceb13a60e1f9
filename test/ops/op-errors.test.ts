/** Errors of ops as numbers: how far a tensor is from its reference, and the largest of an op over its cases. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { opErrorsVariable } from '../../bench/cuda/op-error.js'
import { OpErrors } from './op-errors.js'
import { expectClose, tensorError } from './tolerance.js'

const bound = { dtype: 'f32', reduction: 1 } as const

describe('the error of a tensor', () => {
  test('is the largest difference, of an element, of the largest element, and of what is allowed', () => {
    const { absolute, relative, ofTolerance } = tensorError([1, -3.5, 0], [1, -4, 0.25], bound)
    expect([absolute, relative]).toEqual([0.5, 0.125])
    // Allowed is a unit of the element and four of the largest: the element of 0.25 has the smaller tolerance, and half the difference.
    expect(ofTolerance).toBeCloseTo(0.5 / (2 ** -24 * (4 + 4 * 4)), 0)
  })

  test('is above 1 of what is allowed exactly where the comparison fails', () => {
    const allowed = 5 * 2 ** -24
    for (const [part, fails] of [
      [0.99, false],
      [1.01, true],
    ] as const) {
      const actual = [1 + part * allowed]
      expect(tensorError(actual, [1], bound).ofTolerance > 1).toBe(fails)
      const compare = () => expectClose('y', actual, [1], bound)
      if (fails) expect(compare).toThrow('element 0')
      else compare()
    }
  })

  test('is none of equal tensors, zeros too, and as large as can be of what is no number', () => {
    expect(tensorError([0, 0], [0, 0], bound)).toEqual({ absolute: 0, relative: 0, ofTolerance: 0 })
    expect(tensorError([NaN], [1], bound)).toEqual({ absolute: Infinity, relative: Infinity, ofTolerance: Infinity })
  })
})

describe('errors of ops', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('are the largest over cases, by op and dtype, in the file that is asked for', () => {
    const errors = new OpErrors()
    const record = errors.recorder('add', 'bf16')
    record('outputs', { absolute: 1, relative: 0.5, ofTolerance: 0.1 })
    record('outputs', { absolute: 2, relative: 0.25, ofTolerance: 0.3 })
    record('gradients', { absolute: 3, relative: 1, ofTolerance: 0.2 })
    errors.recorder('embedding', 'f32')('outputs', { absolute: 0, relative: 0, ofTolerance: 0 })
    const folder = mkdtempSync(join(tmpdir(), 'attune-op-errors-'))
    vi.stubEnv(opErrorsVariable, join(folder, 'errors.json'))
    errors.writeWhereAsked()
    expect(JSON.parse(readFileSync(join(folder, 'errors.json'), 'utf8'))).toEqual([
      {
        ...{ op: 'add', dtype: 'bf16', outputs: { absolute: 2, relative: 0.5, ofTolerance: 0.3 } },
        gradients: { absolute: 3, relative: 1, ofTolerance: 0.2 },
      },
      { op: 'embedding', dtype: 'f32', outputs: { absolute: 0, relative: 0, ofTolerance: 0 } },
    ])
    rmSync(folder, { recursive: true })
  })
})
