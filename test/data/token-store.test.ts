import fc from 'fast-check'
import { mkdtemp, readFile, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RecordWriter, readRecord, type StoredExample } from '../../lib/data/example-codec.js'
import { examplesPerPage } from '../../lib/data/example-pages.js'
import { nothingCut } from '../../lib/data/length-counts.js'
import { cachedTokens } from '../../lib/data/token-cache.js'
import { openTokenStore, TokenStoreWriter, type TokenSummary } from '../../lib/data/token-store.js'
import { native } from '../../lib/native.js'

const key = 'ab'.repeat(32)
const summary: TokenSummary = { tokens: 7, targets: 3, ...nothingCut, truncated: 1, findings: [] }

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-store-'))
  path = join(directory, 'examples.tokens')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function write(examples: readonly StoredExample[], to = path, withKey = key): Promise<void> {
  const writer = await TokenStoreWriter.create(to, withKey)
  await writer.add(examples)
  await writer.finish(summary)
}

async function opened(): Promise<readonly StoredExample[]> {
  const store = await openTokenStore(path, key)
  if (typeof store !== 'object') throw new Error(`not opened: ${store ?? 'absent'}`)
  return [...store.examples]
}

const some = (count: number): StoredExample[] =>
  Array.from({ length: count }, (_, row) => {
    const inputIds = Int32Array.from({ length: 1 + (row % 7) }, (_unused, at) => row + at)
    return { inputIds, labels: inputIds.map((id, at) => (at % 3 === 1 ? -100 : id)), row, origin: `file:${row + 1}` }
  })

describe('records', () => {
  const ids = fc
    .array(fc.integer({ min: -100, max: 2 ** 31 - 1 }), { maxLength: 20 })
    .map((list) => Int32Array.from(list))
  const masked = ids.chain((inputIds) =>
    fc
      .array(fc.boolean(), { minLength: inputIds.length, maxLength: inputIds.length })
      .map((kept) => ({ inputIds, labels: inputIds.map((id, at) => (kept[at] === true ? id : -100)) })),
  )
  const numbers = fc.array(fc.double({ noNaN: true }), { maxLength: 5 })
  const offsets = fc.array(
    fc.option(fc.tuple(fc.nat(), fc.nat()), { nil: null }).map((pair): [number, number] | null => pair),
    { maxLength: 9 },
  )
  const rest = { row: fc.nat(), origin: fc.string({ unit: 'grapheme' }) }
  const example = fc.oneof(
    fc.tuple(masked, fc.record(rest)).map(([a, b]) => ({ ...a, ...b })),
    fc.record({ inputIds: ids, labels: fc.oneof(fc.double({ noNaN: true }), fc.nat(), numbers, ids), ...rest }),
    fc.record(
      {
        inputIds: ids,
        labels: ids,
        tokenTypeIds: ids,
        decoderInputIds: ids,
        wordIds: ids,
        offsets,
        noAnswerAt: fc.nat(),
      },
      { requiredKeys: ['inputIds', 'labels'] },
    ),
    fc.record({ inputIds: ids, positiveIds: ids, negativeIds: ids }, { requiredKeys: ['inputIds', 'positiveIds'] }),
    fc.record({ inputIds: ids, units: ids, ...rest }),
  )

  test('what is written is read, one after another, bit for bit', () => {
    fc.assert(
      fc.property(fc.array(example, { minLength: 1, maxLength: 8 }), (examples) => {
        const writer = new RecordWriter()
        const starts = examples.map((each) => {
          const start = writer.length
          writer.add(each)
          return start
        })
        const words = writer.words()
        expect(starts.map((start) => readRecord(words, start))).toEqual(examples)
      }),
    )
  })

  test('labels that are the ids take a few words only', () => {
    const writer = new RecordWriter()
    const inputIds = Int32Array.from({ length: 1000 }, (_, at) => at)
    writer.add({ inputIds, labels: inputIds.slice().fill(-100, 0, 400) })
    expect(writer.length).toBeLessThan(1010)
  })

  test('a field that records do not have is refused, not lost', () => {
    const extra = { inputIds: Int32Array.of(1), labels: 1, weights: [1] }
    expect(() => {
      new RecordWriter().add(extra)
    }).toThrow(expect.objectContaining({ code: 'internal' }) as Error)
  })
})

describe('a token store', () => {
  test.each([0, 1, examplesPerPage - 1, examplesPerPage, 2 * examplesPerPage + 3])(
    '%i examples come back in order, and by index',
    async (count) => {
      const examples = some(count)
      await write(examples)
      expect(await opened()).toEqual(examples)
      const store = await openTokenStore(path, key)
      if (typeof store !== 'object') throw new Error('not opened')
      expect(store.summary).toEqual(summary)
      expect(store.examples.length).toBe(count)
      for (const index of [-1, count]) expect(() => store.examples.at(index)).toThrow(`no example ${index} of ${count}`)
      if (count > 0) expect(store.examples.at(count - 1)).toEqual(examples[count - 1])
      expect(await readdir(directory)).toEqual(['examples.tokens'])
    },
  )

  test('no byte can change and no byte can be missing', async () => {
    await write(some(3))
    const good = await readFile(path)
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good)
      bad[at] = (bad[at] ?? 0) ^ 0x10
      await writeFile(path, bad)
      expect(typeof (await openTokenStore(path, key)), `byte ${at}`).toBe('string')
    }
    for (let length = 0; length < good.length; length += 5) {
      await writeFile(path, good.subarray(0, length))
      expect(typeof (await openTokenStore(path, key)), `${length} bytes`).toBe('string')
    }
    await writeFile(path, Buffer.concat([good, Buffer.from('x')]))
    expect(await openTokenStore(path, key)).toBe('it is not as long as it should be')
    await writeFile(path, good)
    expect(typeof (await openTokenStore(path, key))).toBe('object')
  })

  test('says what a file is that is none of this key', async () => {
    expect(await openTokenStore(path, key)).toBeUndefined()
    expect(await openTokenStore(directory, key)).toBe('it cannot be read')
    await writeFile(path, Buffer.alloc(500, 'no store '))
    expect(await openTokenStore(path, key)).toBe('it is no token store')
    await write(some(2))
    expect(await openTokenStore(path, 'cd'.repeat(32))).toBe('it holds other data or other options')
    const older = await readFile(path)
    older.writeInt32LE(999, 8)
    await writeFile(path, older)
    expect(await openTokenStore(path, key)).toBe('another version of attune wrote it')
  })

  test('stays readable when its file is deleted or replaced', async () => {
    const examples = some(600)
    await write(examples)
    const store = await openTokenStore(path, key)
    if (typeof store !== 'object') throw new Error('not opened')
    await write(some(1))
    expect([...store.examples]).toEqual(examples)
    await rm(path)
    expect([...store.examples]).toEqual(examples)
  })

  test('two that write the same store do not disturb each other', async () => {
    const writers = await Promise.all([TokenStoreWriter.create(path, key), TokenStoreWriter.create(path, key)])
    for (const writer of writers) await writer.add(some(300))
    await writers[0]?.finish(summary)
    expect(await opened()).toEqual(some(300))
    await writers[1]?.finish(summary)
    expect(await opened()).toEqual(some(300))
  })

  test('a place that cannot be written is told', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(TokenStoreWriter.create(join(directory, 'file', 'x.tokens'), key)).rejects.toMatchObject({
      code: 'file-write-failed',
    })
  })
})

describe('the cache', () => {
  const file = (): string => join(directory, `${key.slice(0, 32)}.tokens`)
  let encoded: number
  beforeEach(() => {
    encoded = 0
  })
  const ask = () =>
    cachedTokens(directory, key, async (writer) => {
      encoded++
      await writer.add(some(5))
      return summary
    })

  test('encodes once', async () => {
    expect(await ask()).toMatchObject({ found: false, problem: undefined })
    const again = await ask()
    expect(again).toMatchObject({ found: true, problem: undefined, summary })
    expect([...again.examples]).toEqual(some(5))
    expect(encoded).toBe(1)
  })

  test('makes a damaged, shortened or foreign file anew and says so', async () => {
    await ask()
    const good = await readFile(file())
    await truncate(file(), good.length - 9)
    expect((await ask()).problem).toBe('it is not as long as it should be')
    await writeFile(
      file(),
      good.map((byte, at) => (at === 200 ? byte ^ 1 : byte)),
    )
    expect((await ask()).problem).toBe('it is damaged')
    await writeFile(file(), 'short')
    expect((await ask()).problem).toBe('it is too short to be a token store')
    expect(await readFile(file())).toEqual(good)
    expect(encoded).toBe(4)
  })

  test('leaves nothing of an encoding that failed, and removes what an ended process left', async () => {
    const left = `${file()}.1.partial`
    const recent = `${file()}.2.partial`
    for (const name of [left, recent]) await writeFile(name, 'x')
    await utimes(left, 0, 0)
    const failing = cachedTokens(directory, key, async (writer) => {
      await writer.add(some(300))
      throw new Error('no more')
    })
    await expect(failing).rejects.toThrow('no more')
    expect((await readdir(directory)).map((name) => join(directory, name))).toEqual([recent])
  })
})

describe('mapFile', () => {
  test('gives the bytes; what is written to them stays here', async () => {
    await writeFile(path, 'hello')
    const bytes = new Uint8Array(native().mapFile(path))
    expect(Buffer.from(bytes).toString()).toBe('hello')
    bytes[0] = 0x4a
    expect(Buffer.from(bytes).toString()).toBe('Jello')
    expect(await readFile(path, 'utf8')).toBe('hello')
    await writeFile(path, '')
    expect(native().mapFile(path).byteLength).toBe(0)
  })

  test('names what is not there or is no file', () => {
    expect(() => native().mapFile(join(directory, 'none'))).toThrow(
      expect.objectContaining({ code: 'file-not-found', where: join(directory, 'none') }) as Error,
    )
    expect(() => native().mapFile(directory)).toThrow('is no regular file')
  })
})
