import { describe, expect, test } from 'vitest'
import { fixtures, goldens, present, skipIfMissing } from './golden-case.js'
import { runTrainingCase } from './training-case.js'

const ids = ['training/gpt2', 'training/llama', 'training/smoothing-lm', 'training/accumulate-lm']

describe.each([fixtures, goldens])('training as PyTorch trains: $name', (root) => {
  skipIfMissing(root)

  test.each(present(root, ids))('%s', async (id) => {
    const { violations, compared } = await runTrainingCase(root, id)
    expect(violations).toEqual([])
    expect(compared).toBeGreaterThan(10)
  })
})
