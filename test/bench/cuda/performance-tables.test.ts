import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { performanceTables, withTables } from '../../../bench/cuda/performance-tables.js'

const text = readFileSync(join(import.meta.dirname, '../../../docs/performance-cuda.md'), 'utf8')

test('the tables of docs/performance-cuda.md are what the code says (npm run bench:cuda:tables writes them)', () => {
  expect(text).toBe(withTables(text, performanceTables()))
})

test('the page says that nothing of it was measured', () => {
  expect(text).toContain('**Not yet measured on a GPU.**')
})

test('a table without a place is an error', () => {
  expect(() => withTables('no place', { steps: '' })).toThrow(/no place for the table 'steps'/)
})
