import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'

import { packTar } from 'modern-tar'
import { describe, expect, test } from 'vitest'

import { errorOf, fileIn, inPieces, itemsOf, temporaryFolder, valuesOf } from './source-files.js'

const folder = temporaryFolder()
const rows = Array.from({ length: 20_000 }, (_, index) => ({ text: `row ${index} ${(index * 7919) % 104_729}` }))
const lines = Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'))

// Made once with zstd 1.5 and xz 5.4: {"text":"a"} and {"text":"b"} on a line each.
const small = [{ text: 'a' }, { text: 'b' }]
const fixed = {
  zst: Buffer.from('KLUv/SQavQAAiHsidGV4dCI6ImEifQpiIn0KAQBQzC+CdVUP', 'base64'),
  xz: Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAZABZdAD2IioaUiBPg84lCoO86qrG6mX/eAAAAAACscqRsXvVjtAABMhogGJQwH7bzfQEAAAAABFla',
    'base64',
  ),
}

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('compressed files', () => {
  test('gzip, also of several members, and under a name that does not say so', async () => {
    const half = lines.indexOf('\n', lines.length / 2) + 1
    const members = Buffer.concat([gzipSync(lines.subarray(0, half)), gzipSync(lines.subarray(half))])
    for (const name of ['rows.jsonl.gz', 'rows.jsonl', 'rows']) {
      expect(await valuesOf(fileIn(folder, name, members))).toEqual(rows)
    }
    expect(await valuesOf(fileIn(folder, 'plain.jsonl.gz', lines))).toEqual(rows)
    expect(await valuesOf({ path: '-', open: inPieces(members, 1000) })).toEqual(rows)
  })

  test('zstd and xz', async () => {
    expect(await valuesOf(fileIn(folder, 'rows.jsonl.zst', fixed.zst))).toEqual(small)
    expect(await valuesOf(fileIn(folder, 'rows.jsonl.xz', fixed.xz))).toEqual(small)
  })

  test.skipIf(!has('zstd') || !has('xz'))(
    'large ones by the real programs (skipped where they are missing)',
    async () => {
      const path = fileIn(folder, 'many.jsonl', lines)
      execFileSync('zstd', ['-q', '-k', '-19', path])
      execFileSync('xz', ['-k', path])
      expect(await valuesOf(`${path}.zst`)).toEqual(rows)
      expect(await valuesOf(`${path}.xz`)).toEqual(rows)
    },
  )

  test('an archive cut short is told, with its file and bytes, after the rows before', async () => {
    const zipped = gzipSync(lines)
    const files = {
      gzip: fileIn(folder, 'short.jsonl.gz', zipped.subarray(0, zipped.length - 2000)),
      zstd: fileIn(folder, 'short.jsonl.zst', fixed.zst.subarray(0, -5)),
      xz: fileIn(folder, 'short.jsonl.xz', fixed.xz.subarray(0, -20)),
    }
    const bytes = { gzip: zipped.length - 2000, zstd: fixed.zst.length - 5, xz: fixed.xz.length - 20 }
    for (const kind of ['gzip', 'zstd', 'xz'] as const) {
      const error = await errorOf(itemsOf(files[kind]))
      expect(error).toMatchObject({ code: 'invalid-file', where: files[kind] })
      expect(error.message).toContain(`the ${kind} archive is cut short`)
      expect(error.message).toContain(bytes[kind].toLocaleString('en-US'))
    }
  })

  test('an archive with wrong bytes is told, with the bytes between which', async () => {
    const zipped = gzipSync(lines)
    const wrong = Buffer.from(zipped)
    wrong.fill(0xa5, 40_000, 40_100)
    const error = await errorOf(itemsOf(fileIn(folder, 'wrong.jsonl.gz', wrong)))
    expect(error.code).toBe('invalid-file')
    const [, from, to] = /between bytes ([\d,]+) and ([\d,]+)/.exec(error.message) ?? []
    const [begin, end] = [from, to].map((number) => Number(number?.replaceAll(',', '')))
    expect(begin).toBeGreaterThan(20_000)
    expect(end).toBeGreaterThan(begin ?? Infinity)
    expect(end).toBeGreaterThanOrEqual(40_000)
    const rest = fileIn(folder, 'rest.jsonl.gz', Buffer.concat([zipped, Buffer.from('more')]))
    expect(await errorOf(itemsOf(rest))).toMatchObject({ code: 'invalid-file', where: rest })
    const xz = Buffer.from(fixed.xz)
    xz.fill(0xff, 24, 40)
    expect(await errorOf(itemsOf(fileIn(folder, 'wrong.jsonl.xz', xz)))).toMatchObject({ code: 'invalid-file' })
  })
})

describe('archives of files', () => {
  const archive = packTar([
    { header: { name: 'set/', type: 'directory', size: 0 } },
    { header: { name: 'set/b.txt', size: 9 }, body: 'one\n\ntwo\n' },
    { header: { name: 'set/a.xml', size: 4 }, body: '<a/>' },
    { header: { name: 'set/rows.jsonl', size: 27 }, body: '{"text": "r"}\n{"text": "s"}' },
    { header: { name: 'set/bad.txt', size: 1 }, body: new Uint8Array([0xff]) },
  ])

  test('a row a file, data files as they are', async () => {
    const path = fileIn(folder, 'set.tar.gz', gzipSync(await archive))
    const items = await itemsOf(path)
    expect(items.slice(0, 4)).toEqual([
      { origin: `${path}/set/b.txt`, value: { file: 'set/b.txt', text: 'one\n\ntwo\n' } },
      { origin: `${path}/set/a.xml`, value: { file: 'set/a.xml', text: '<a/>' } },
      { origin: `${path}/set/rows.jsonl:1`, value: { text: 'r' } },
      { origin: `${path}/set/rows.jsonl:2`, value: { text: 's' } },
    ])
    expect(items[4]).toMatchObject({ origin: `${path}/set/bad.txt`, code: 'invalid-dataset' })
    const byLine = await itemsOf(path, { textRows: 'line' })
    expect(byLine[1]).toEqual({ origin: `${path}/set/b.txt:3`, value: { file: 'set/b.txt', text: 'two' } })
  })

  test('one cut short', async () => {
    const whole = await archive
    for (const length of [whole.length - 2000, 600, 1600]) {
      const path = fileIn(folder, 'short.tar', whole.subarray(0, length))
      expect(await errorOf(itemsOf(path))).toMatchObject({ code: 'invalid-file', where: path })
    }
  })
})
