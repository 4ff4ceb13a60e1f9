import { expect, test } from 'vitest'
import { notWhole } from '../../lib/cli/not-whole.js'
import { nothingCut } from '../../lib/data/length-counts.js'
import { planWarnings } from '../../lib/train/warnings.js'

test('rows that were cut are told with the tokens that are never seen', () => {
  const counts = { ...nothingCut, truncated: 31, truncatedTokens: 4210, rows: 400, tokens: 131_000 }
  const warnings = planWarnings({ ...counts, epochs: 3, steps: 300 }, { maxLength: 512 })
  expect(warnings).toEqual([
    {
      code: 'truncated-rows',
      message: '31 of 400 rows were cut to 512 tokens: 4,210 tokens, 3.1 %, are never seen.',
    },
  ])
})

test('rows that were cut to what the model takes', () => {
  const counts = { ...nothingCut, truncated: 1, truncatedTokens: 2, rows: 135, tokens: 26_000 }
  expect(planWarnings({ ...counts, epochs: 1, steps: 300 }, { maxLength: undefined })).toEqual([
    {
      code: 'truncated-rows',
      message: '1 of 135 rows were cut to the length the model takes: 2 tokens, 0.0 %, are never seen.',
    },
  ])
})

test('what did not fit, in phrases', () => {
  expect(notWhole(nothingCut)).toEqual([])
  expect(notWhole({ truncated: 3, truncatedTokens: 70, windows: 5, windowsLeftOut: 2, skipped: 1 })).toEqual([
    '3 cut by 70 tokens',
    '5 more as windows of long ones',
    '2 windows without a label left out',
    '1 left out',
  ])
})
