import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { encodeForTask } from '../../lib/data/encode-for-task.js'
import { storeRows } from '../../lib/data/store-rows.js'
import { cachedTokens } from '../../lib/data/token-cache.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'

const tokenizerDirectory = fileURLToPath(new URL('../../examples/models/attune-base', import.meta.url))
const child = fileURLToPath(new URL('store-memory-child.mjs', import.meta.url))
const built = fileURLToPath(new URL('../../dist/data/store-rows.js', import.meta.url))

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-rows-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const words = ['an', 'order', 'was', 'sent', 'to', 'the', 'wrong', 'address', 'and', 'returned']
const text = (row: number, length: number): string =>
  Array.from({ length }, (_, at) => words[(row * 31 + at * at) % words.length]).join(' ')

describe('storeRows', () => {
  test('chunks make the examples that all rows at once make', async () => {
    const tokenizer = await Tokenizer.load(tokenizerDirectory)
    const data = Dataset.from(Array.from({ length: 50 }, (_, row) => ({ text: text(row, 5 + (row % 9)) })))
    const seen: number[] = []
    const stored = await cachedTokens(directory, 'cd'.repeat(32), (writer) =>
      storeRows(writer, [data.slice(0, 20), data.slice(20, 21), data.slice(21)], {
        task: 'causal-lm',
        tokenizer,
        taskOptions: { maxLength: 20, truncation: 'tail' },
        onRows: (rows) => seen.push(rows),
      }),
    )
    const { examples, ...counts } = await encodeForTask('causal-lm', data, tokenizer, {
      maxLength: 20,
      truncation: 'tail',
    })
    expect([...stored.examples]).toEqual(examples)
    expect(counts).toMatchObject(stored.summary)
    expect(seen).toEqual([20, 21, 50])
  })

  const run = async (rows: number): Promise<{ examples: number; tokens: number; sum: number; peak: number }> => {
    const file = join(directory, `${rows}.jsonl`)
    const lines = Array.from({ length: rows }, (_, row) => JSON.stringify({ text: text(row, 400) }))
    await writeFile(file, `${lines.join('\n')}\n`)
    const args = ['--max-old-space-size=24', child, file, tokenizerDirectory, join(directory, `${rows}`)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    return JSON.parse(stdout) as Awaited<ReturnType<typeof run>>
  }

  test.skipIf(!existsSync(built))(
    'memory does not grow with the file; one larger than the heap goes through (needs dist/)',
    async () => {
      const small = await run(2_000)
      const large = await run(14_000)
      expect(large.examples).toBe(14_000)
      expect(large.sum).toBe(large.tokens)
      expect((await stat(join(directory, '14000.jsonl'))).size).toBeGreaterThan(24 * 2 ** 20)
      // Some garbage more or less; what is kept of the larger file would be forty megabytes.
      expect(large.peak).toBeLessThan(small.peak + 16 * 2 ** 20)
    },
    180_000,
  )
})

/** Seconds that this thread has worked; by the clock where the system does not say. */
function worked(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9
  } catch {
    return performance.now() / 1e3
  }
}

describe('encoding', () => {
  test('gives the event loop its turn all the time, whatever the number of rows', async () => {
    const tokenizer = await Tokenizer.load(tokenizerDirectory)
    const data = Dataset.from(
      Array.from({ length: 6_000 }, (_, row) => ({
        messages: [
          { role: 'user', content: text(row, 8) },
          { role: 'assistant', content: text(row + 1, 12) },
        ],
      })),
    )
    const turns: number[] = []
    let last = worked()
    const timer = setInterval(() => {
      const now = worked()
      turns.push(now - last)
      last = now
    }, 1)
    const { examples } = await encodeForTask('causal-lm', data, tokenizer)
    clearInterval(timer)
    expect(examples).toHaveLength(6_000)
    expect(turns.length).toBeGreaterThan(50)
    // A tenth of the work in one go would be a chunk that grows with the rows.
    expect(Math.max(...turns)).toBeLessThan(turns.reduce((sum, seconds) => sum + seconds) / 10)
  }, 180_000)
})
