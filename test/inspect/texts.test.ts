/** Personal data, odd characters, scripts and near duplicates of rows. */
import { describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import type { Finding } from '../../lib/inspect/finding.js'
import { inspectData } from '../../lib/inspect/inspect-data.js'
import { inspectRows } from '../../lib/inspect/row-checks.js'

const words =
  'river stone cloud lamp forest window paper bridge music garden silver winter harbour candle meadow'.split(' ')
const sentence = (i: number): string =>
  Array.from({ length: 14 }, (_, k) => words[(i * (k + 3) + k * k) % 15]).join(' ') + ` ${i}`
const rows = Array.from({ length: 60 }, (_, i) => ({ text: sentence(i) }))

async function found(more: readonly string[], code: Finding['code']): Promise<Finding[]> {
  const { findings } = await inspectData([...rows, ...more.map((text) => ({ text }))])
  return findings.filter((one) => one.code === code)
}

describe('texts', () => {
  it('with data about persons are counted by kind, and what stands there is not told', async () => {
    const secret = 'Write to jane.roe@example.org or pay with 4111 1111 1111 1111.'
    const report = await inspectData([...rows, { text: secret }])
    expect(report.personalData).toEqual(
      expect.arrayContaining([
        { kind: 'email', count: 1, rows: 1 },
        { kind: 'card', count: 1, rows: 1 },
      ]),
    )
    expect(report.findings.find(({ code }) => code === 'personal-data')).toMatchObject({
      severity: 'warning',
      count: 1,
    })
    expect(JSON.stringify(report)).not.toMatch(/jane|4111/)
  })

  it('that are broken are a warning, with layout left in them a note', async () => {
    const odd = await found(['caf\uFFFD au lait', 'soft\u200Bly', 'the cafÃ© was closed'], 'odd-characters')
    expect(odd.map(({ severity, where }) => [severity, where.map(({ origin }) => origin)])).toEqual([
      ['warning', ['row 60', 'row 62']],
      ['note', ['row 61']],
    ])
  })

  it('in another script than the others are noted', async () => {
    const [mixed] = await found(['Это предложение на русском языке'], 'mixed-scripts')
    expect(mixed).toMatchObject({ severity: 'note', count: 1, where: [{ origin: 'row 60', what: 'Cyrillic' }] })
  })

  it('that are nearly the same are found, exact repetitions are told once', async () => {
    const long = Array.from({ length: 60 }, (_, i) => `w${i}`).join(' ')
    const { findings } = await inspectData([long, `${long} end`, long].map((text) => ({ text })))
    const counts = findings.map(({ code, count }) => [code, count])
    expect(counts).toEqual(
      expect.arrayContaining([
        ['near-duplicate-rows', 1],
        ['duplicate-rows', 1],
      ]),
    )
    const train = Dataset.from([...rows.slice(0, 60), { text: long }])
    const leaks = inspectRows(
      train,
      Dataset.from([{ text: `${long} end` }, { text: 'quite another text of some more than eight words' }]),
    )
    expect(leaks.find(({ code }) => code === 'near-leakage')).toMatchObject({
      code: 'near-leakage',
      count: 1,
      where: [{ origin: 'row 0', what: '98 % of row 60' }],
    })
  })
})
