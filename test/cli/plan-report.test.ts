import { describe, expect, it } from 'vitest'
import { describePlan } from '../../lib/cli/plan-report.js'
import { wrap } from '../../lib/cli/wrap.js'
import { plan } from '../../lib/train/plan.js'
import { countingRows, tinyModel } from '../tiny-model.js'

describe('a plan in the terminal', () => {
  it('is 80 columns wide, says what is known and what to change as flags', async () => {
    await using model = await tinyModel()
    const planned = await plan(model, countingRows(60), { epochs: 40, validation: countingRows(5, 2), measure: 0.1 })
    const text = describePlan(planned)
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(text).toMatch(/^trained +\d+k? of/)
    expect(text).toMatch(/\nwork +[\d.]+ [MGk]FLOP: products [\d.]+%, attention/)
    expect(text).toMatch(/\ntime +about [\d.]+ /)
    expect(text).toMatch(/\nbefore +loss \d/)
    expect(text).toMatch(/\nsuggestion: [^]*--epochs 3/)
    // The suggestion says what the warning would.
    expect(text).not.toMatch(/warning: 40 epochs/)
  })

  it('leaves out what was not measured', async () => {
    await using model = await tinyModel()
    const text = describePlan(await plan(model, countingRows(60), { measure: false }))
    expect(text).not.toMatch(/\n(time|before) /)
  })
})

it('texts are broken at spaces', () => {
  expect(wrap('one two three four', { width: 9, indent: 2 })).toBe('one two\n  three\n  four')
  expect(wrap('anything-longer-than-the-width stays', { width: 9 })).toBe('anything-longer-than-the-width\nstays')
})
