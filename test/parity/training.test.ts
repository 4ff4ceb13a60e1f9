import { describe, expect, test } from 'vitest'
import { fixtures, goldens, present, skipIfMissing } from './golden-case.js'
import { runTrainingCase } from './training-case.js'

const ids = [
  'gpt2',
  'gpt2-seqcls',
  'llama',
  'mistral',
  'qwen2',
  'qwen3',
  'gemma2',
  'gemma3',
  'phi3',
  'bert-mlm',
  'bert-multilabel',
  'bert-regression',
  'bert-seqcls',
  'bert-tokcls',
  'distilbert-seqcls',
  'roberta-mlm',
  'modernbert-mlm',
  't5',
  'flan-t5',
  'smoothing-lm',
  'smoothing-seqcls',
  'accumulate-lm',
  'accumulate-seqcls',
  'frozen-qwen2',
].map((id) => `training/${id}`)

describe.each([fixtures, goldens])('training as PyTorch trains: $name', (root) => {
  skipIfMissing(root)

  test.each(present(root, ids))('%s', async (id) => {
    const { violations, compared } = await runTrainingCase(root, id)
    expect(violations).toEqual([])
    expect(compared).toBeGreaterThan(10)
  })
})
