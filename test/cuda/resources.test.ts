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

  /** Rows of the kernels that a pattern names, and that lack an instruction. There are some on every architecture. */
  function lacking(pattern: RegExp, ...instructions: string[]): string[] {
    const named = rows.filter(({ kernel }) => pattern.test(kernel))
    expect(new Set(named.map(({ arch }) => arch)).size, String(pattern)).toBe(6)
    return named.filter(({ count }) => instructions.some((each) => count(each) === 0)).map(({ name }) => name)
  }

  test.each([
    /^(activation|gated_activation)(_backward)?_/,
    /^(add|accumulate_gradient|scale|dropout|rotary|embedding_noise)_(f32|bf16)$/,
    /^(rms_norm|layer_norm)_(forward|backward)_/,
    /^(gather|scatter)_rows_/,
    /^embedding_(f32|bf16)$/,
    /^adamw$/,
    /^cache_append_/,
  ])('what only reads and writes does so by 16 bytes: %s', (pattern) => {
    expect(lacking(pattern, 'ldg128', 'stg128')).toEqual([])
  })

  test.each([
    [/^(quantized_)?product_(large|small)_/, ['hmma', 'ldsm', 'ldgsts']],
    [/^(quantized_)?product_thin_/, ['hmma', 'ldg128']],
    [/^attention_(forward|decode|(key|value|key_value|query)_gradient)_/, ['hmma', 'ldsm', 'ldgsts']],
  ] as const)('products are made on tensor cores, of what was copied ahead: %s', (pattern, instructions) => {
    expect(lacking(pattern, ...instructions)).toEqual([])
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
