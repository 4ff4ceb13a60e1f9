import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { expect, test } from 'vitest'
import { run } from '../../run-process.js'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const built = join(root, 'dist', 'data', 'sources', 'read-source.js')

// A file of ten times the heap is written and read by a process of its own.
const program = `
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSource } from ${JSON.stringify(pathToFileURL(built).href)}

const [name, first, begin, between, end] = JSON.parse(process.argv[1])
const folder = mkdtempSync(join(tmpdir(), 'attune-large-'))
try {
  const path = join(folder, name)
  const file = openSync(path, 'w')
  const row = first.replace('TEXT', 'a long enough row '.repeat(120))
  const rowsPerPart = 200
  const part = Array(rowsPerPart).fill(row).join(between)
  const parts = Math.ceil((250 * 2 ** 20) / (part.length + 1))
  writeSync(file, begin)
  for (let at = 0; at < parts; at++) writeSync(file, (at > 0 ? between : '') + part)
  writeSync(file, end)
  closeSync(file)
  let rows = 0
  let most = 0
  for await (const items of readSource({ path })) {
    for (const { code } of items) if (code !== undefined) throw new Error(code)
    rows += items.length
    most = Math.max(most, process.memoryUsage().rss)
  }
  console.log(JSON.stringify({ rows, expected: parts * rowsPerPart, most }))
} finally {
  rmSync(folder, { recursive: true })
}
`

test.skipIf(!existsSync(built)).each([
  ['JSON Lines', ['a.jsonl', '{"text": "TEXT"}', '', '\n', '\n']],
  ['a JSON list', ['a.json', '{"text": "TEXT"}', '[', ',\n', ']']],
])(
  '%s of ten times the heap: memory stays flat (skipped where dist is not built)',
  async (_, parts) => {
    const args = ['--max-old-space-size=24', '--input-type=module', '-e', program, JSON.stringify(parts)]
    const { code, stdout, stderr } = await run(process.execPath, args)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const { rows, expected, most } = JSON.parse(stdout) as { rows: number; expected: number; most: number }
    expect(rows).toBe(expected)
    // Node itself takes some 45 MB.
    expect(most).toBeLessThan(140 * 2 ** 20)
  },
  240_000,
)
