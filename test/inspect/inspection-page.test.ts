import { describe, expect, it } from 'vitest'
import { inspectData } from '../../lib/inspect/inspect-data.js'
import { inspectionPage } from '../../lib/inspect/page/inspection-page.js'

const evil = '<script>alert("x")</script> & \'more\''
const rows = Array.from({ length: 60 }, (_, i) => ({
  text: `${evil} ${'long '.repeat(i)}`,
  label: i % 6 === 0 ? evil : 'b',
}))

describe('the page', async () => {
  const report = await inspectData([...rows, rows[1] as object], { show: 2, validation: rows.slice(0, 2) })
  const page = inspectionPage(report)
  const words = page.replace(/\s+/g, ' ')

  it.each([
    ['verdict', report.verdict],
    ['how rows are read', 'the model learns to give texts their labels'],
    ['findings', '1 row repeats an earlier one, sign for sign'],
    ['codes', '<code class="soft">leakage</code>'],
    ['places', '<code>row 60</code>: is row 1'],
    ['labels', '<td class="number">51</td>'],
    ['histogram', 'aria-label="characters per example"'],
    ['examples', '<mark>label: b</mark>'],
  ])('has what the report has: %s', (_, text) => {
    expect(words).toContain(text)
  })

  it('says once what is wrong with many rows', async () => {
    const empty = [...rows, ...Array.from({ length: 12 }, () => ({ text: '', label: 'b' }))]
    const bad = inspectionPage(await inspectData(empty)).replace(/\s+/g, ' ')
    expect(bad.match(/text is empty/g)).toHaveLength(1)
    expect(bad).toContain('<li> text is empty <ul> <li><code>row 60</code></li>')
    expect(bad).toContain('<li class="soft">and 2 more</li>')
  })

  it('is named by its files, breaks names of labels between words, and draws no bar of one length', async () => {
    const same = Array.from({ length: 60 }, (_, i) => ({ text: `row ${100 + i}`, label: i % 2 === 0 ? 'a_b' : 'c' }))
    const uniform = await inspectData(same)
    const drawn = inspectionPage({ ...uniform, files: [{ path: '/some/where/rows.jsonl', rows: 60, unreadable: 0 }] })
    expect(drawn).toContain('<title>Inspection of rows.jsonl</title>')
    expect(drawn.replace(/\s+/g, ' ')).toMatch(/a_<wbr \/>b/)
    expect(drawn).not.toContain('histogram"')
    expect(page).toContain('histogram"')
  })

  it('escapes every text and needs nothing from elsewhere', () => {
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/https?:|src=|@import|url\(/)
    expect(page).not.toMatch(/NaN|\[object|undefined/)
  })

  it('is the same for a report that was JSON in between', () => {
    expect(inspectionPage(JSON.parse(JSON.stringify(report)) as typeof report)).toBe(page)
  })
})
