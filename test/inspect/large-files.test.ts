import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../run-process.js'

const built = resolve(import.meta.dirname, '../../dist/inspect/inspect-data.js')

// A file of five times the heap is written and inspected by a process of its own. Each row is another one, with a long field
// that is not read; the last two are bad.
const program = `
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspectData } from ${JSON.stringify(pathToFileURL(built).href)}

const folder = mkdtempSync(join(tmpdir(), 'attune-inspect-large-'))
try {
  const path = join(folder, 'large.jsonl')
  const file = openSync(path, 'w')
  const words = Array.from({ length: 500 }, (_, i) => 'word' + ((i * 7919) % 9973).toString(36))
  const body = 'a long field that nobody reads '.repeat(300)
  let state = 1
  const next = () => (state = (state * 48271) % 2147483647)
  const wanted = 320 * 2 ** 20
  let [rows, bytes] = [0, 0]
  for (; bytes < wanted; rows++) {
    const text = Array.from({ length: 120 }, () => words[next() % 500]).join(' ')
    bytes += writeSync(file, JSON.stringify({ text, label: rows % 3 === 0 ? 'a' : 'b', body }) + '\\n')
  }
  writeSync(file, '{"text": "", "label": "a"}\\n{')
  closeSync(file)
  let most = 0
  const report = await inspectData(path, {
    onProgress: () => {
      most = Math.max(most, process.memoryUsage().rss)
    },
  })
  const places = report.findings.flatMap(({ severity, where }) => (severity === 'error' ? where : []))
  console.log(
    JSON.stringify({
      rows,
      read: report.rows,
      labels: report.labels.map((label) => label.rows),
      bad: places.map(({ origin }) => origin.slice(path.length)),
      most,
    }),
  )
} finally {
  rmSync(folder, { recursive: true })
}
`

test.skipIf(!existsSync(built))(
  'a file of five times the heap is inspected in flat memory (skipped where dist is not built)',
  { timeout: 240_000 },
  async () => {
    const args = ['--max-old-space-size=64', '--input-type=module', '-e', program]
    const { code, stdout, stderr } = await run(process.execPath, args)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const found = JSON.parse(stdout) as { rows: number; read: number; labels: number[]; bad: string[]; most: number }
    const { rows } = found
    expect(found.read).toBe(rows)
    expect(found.labels).toEqual([rows - Math.ceil(rows / 3), Math.ceil(rows / 3)])
    expect(found.bad).toEqual([`:${rows + 1}`, `:${rows + 2}`])
    // Node takes some 45 MB itself, the heap 64; beside them stand the blocks of the file and the numbers kept of each row.
    expect(found.most).toBeLessThan(240 * 2 ** 20)
  },
)
