/** What kernels take of a GPU, as compiled: the committed table is true, and what speed rests on is there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { occupancy } from '../../scripts/occupancy.mjs'
import { root, run } from '../run-process.js'
import { unavailableCuda } from './emulated-cuda.js'

const reason = await unavailableCuda()

const [head = '', ...lines] = readFileSync(join(root, 'native/kernels/cuda/resources.tsv'), 'utf8').trim().split('\n')
const rows = lines.map((line) => {
  const cells = line.split('\t')
  const entries = head.split('\t').map((column, at) => [column, cells[at] ?? ''] as const)
  const text = Object.fromEntries(entries)
  const count = (column: string) => Number(text[column])
  return { name: `${text.kernel} ${text.arch}`, kernel: text.kernel!, arch: text.arch!, limiter: text.limiter, count }
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

  test('blocks and occupancy are what registers, shared memory and threads leave', () => {
    for (const { name, arch, limiter, count } of rows) {
      const [registers, threads] = [count('registers'), count('threads')]
      const { percent, ...found } = occupancy({ arch, registers, threads, shared: count('shared') + count('dynamic') })
      expect({ blocks: count('blocks'), occupancy: count('occupancy'), limiter }, name).toEqual({
        ...found,
        occupancy: percent,
      })
    }
  })

  test('a block fits', () => {
    expect(rows.filter(({ count }) => count('blocks') === 0).map(({ name }) => name)).toEqual([])
  })

  /** Rows of the kernels that a pattern names. There are some on every architecture. */
  function rowsOf(pattern: RegExp): typeof rows {
    const named = rows.filter(({ kernel }) => pattern.test(kernel))
    expect(new Set(named.map(({ arch }) => arch)).size, String(pattern)).toBe(6)
    return named
  }

  /** Those that lack an instruction. */
  function lacking(pattern: RegExp, ...instructions: string[]): string[] {
    return rowsOf(pattern)
      .filter(({ count }) => instructions.some((each) => count(each) === 0))
      .map(({ name }) => name)
  }

  /** Those whose figure in `column` is below `floor`. */
  function below(pattern: RegExp, column: 'blocks' | 'occupancy', floor: number): string[] {
    return rowsOf(pattern)
      .filter(({ count }) => count(column) < floor)
      .map(({ name }) => name)
  }

  describe.each([
    /^(activation|gated_activation)(_backward)?_/,
    /^(add|accumulate_gradient|scale|dropout|rotary|embedding_noise)_(f32|bf16)$/,
    /^(rms_norm|layer_norm)_(forward|backward)_/,
    /^(gather|scatter)_rows_/,
    /^embedding_(f32|bf16)$/,
    /^adamw$/,
    /^cache_append_/,
  ])('what only reads and writes: %s', (pattern) => {
    test('does so by 16 bytes', () => {
      expect(lacking(pattern, 'ldg128', 'stg128')).toEqual([])
    })

    test('has half of the warps at least, to wait for memory', () => {
      expect(below(pattern, 'occupancy', 50)).toEqual([])
    })
  })

  test.each([/^(quantized_)?product_(small|thin)_\w*bf16$/, /^product_large_\w*bf16$/])(
    'of products of bf16 two blocks are there at once, one computing while the other waits: %s',
    (pattern) => {
      expect(below(pattern, 'blocks', 2)).toEqual([])
      expect(below(pattern, 'occupancy', 25)).toEqual([])
    },
  )

  test.each([/^product_(large|small|thin)_\w*f32$/, /^quantized_product_/])(
    'other products have two warps for each part of a multiprocessor: %s',
    (pattern) => {
      expect(below(pattern, 'occupancy', 13)).toEqual([])
    },
  )

  test('of attention in bf16 with heads up to 128 two blocks are there at once, of its gradients with heads up to 64', () => {
    expect(below(/^attention_forward_(32|64|128)_bf16$/, 'blocks', 2)).toEqual([])
    expect(below(/^attention_(key_value|query)_gradient_(32|64)_bf16$/, 'blocks', 2)).toEqual([])
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
  async () => {
    const { code, stderr } = await run(process.execPath, ['scripts/cuda-resources.mjs', '--check'])
    expect(code, stderr).toBe(0)
  },
)
