/** What kernels take of a GPU, as compiled: the committed table is true, and what speed rests on is there. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { unavailableCuda } from './emulated-cuda.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const reason = unavailableCuda()

const [head = '', ...lines] = readFileSync(join(root, 'native/kernels/cuda/resources.tsv'), 'utf8').trim().split('\n')
const rows = lines.map((line) => {
  const cells = line.split('\t')
  const entries = head.split('\t').map((column, at) => [column, cells[at] ?? ''] as const)
  const text = Object.fromEntries(entries)
  const count = (column: string) => Number(text[column])
  return { name: `${text.kernel} ${text.arch}`, kernel: text.kernel!, arch: text.arch!, count }
})
const modules = new Set(lines.map((line) => line.split('\t')[0]))

describe('of every CUDA kernel on every architecture', () => {
  test('there is a row', () => {
    const architectures = new Set(rows.map(({ arch }) => arch))
    expect([...architectures]).toEqual(['sm_80', 'sm_86', 'sm_89', 'sm_90', 'sm_100', 'sm_120'])
    const kernels = new Set(rows.map(({ kernel }) => kernel))
    expect(rows).toHaveLength(kernels.size * architectures.size)
    expect(modules).toContain('add')
  })

  test('nothing is spilled', () => {
    expect(rows.filter(({ count }) => count('local') > 0).map(({ name }) => name)).toEqual([])
  })

  test('what only reads and writes does so by 16 bytes', () => {
    const streaming = rows.filter(({ kernel }) =>
      /^(add|accumulate_gradient|rms_norm_(forward|backward))_/.test(kernel),
    )
    expect(streaming.length).toBeGreaterThan(0)
    const narrow = streaming.filter(({ count }) => count('ldg128') === 0 || count('stg128') === 0)
    expect(narrow.map(({ name }) => name)).toEqual([])
  })
})

test.skipIf(reason !== undefined)(
  `the table is what the kernels take now${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 1_200_000 },
  () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/cuda-resources.mjs'), '--check'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
  },
)
