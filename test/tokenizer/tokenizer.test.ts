import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, test } from 'vitest'

import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { removeFolder, writeByteTokenizer, type ByteTokenizerOptions } from './byte-tokenizer.js'

const folders: string[] = []
afterEach(async () => {
  await Promise.all(folders.splice(0).map(removeFolder))
})

async function folderWith(options: ByteTokenizerOptions = {}): Promise<string> {
  const folder = await writeByteTokenizer(options)
  folders.push(folder)
  return folder
}

describe('Tokenizer.load', () => {
  test('special tokens by name, from strings and added-token objects', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    expect(tokenizer.vocabSize).toBe(261)
    expect(tokenizer.specialTokens).toEqual({ bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' })
    expect(tokenizer.bosTokenId).toBe(256)
    expect(tokenizer.eosTokenId).toBe(257)
    expect(tokenizer.padTokenId).toBe(258)
    expect(tokenizer.unkTokenId).toBeUndefined()
    expect(tokenizer.modelMaxLength).toBeUndefined()
    expect(tokenizer.tokenToId('<|im_end|>')).toBe(260)
    expect(tokenizer.tokenToId('nowhere')).toBeUndefined()
    expect(tokenizer.idToToken(65)).toBe('A')
  })

  test('special_tokens_map.json fills what tokenizer_config.json does not name', async () => {
    const folder = await folderWith({ config: { eos_token: undefined } })
    await writeFile(join(folder, 'special_tokens_map.json'), '{"eos_token": "<|im_end|>", "unk_token": "<pad>"}')
    const tokenizer = await Tokenizer.load(folder)
    expect(tokenizer.eosTokenId).toBe(260)
    expect(tokenizer.unkTokenId, 'null in tokenizer_config.json means none').toBeUndefined()
  })

  test('generation_config.json adds ends of text', async () => {
    const folder = await folderWith()
    await writeFile(join(folder, 'generation_config.json'), '{"eos_token_id": [257, 260]}')
    expect((await Tokenizer.load(folder)).eosTokenIds).toEqual([257, 260])
  })

  test('truncation in tokenizer.json is switched off', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    expect([...(await tokenizer.encode('Hello'))]).toEqual([72, 101, 108, 108, 111])
  })

  test('chat_template.jinja wins over tokenizer_config.json', async () => {
    const folder = await folderWith({ chatTemplate: 'old' })
    expect((await Tokenizer.load(folder)).applyChatTemplate([])).toBe('old')
    await writeFile(join(folder, 'chat_template.json'), '{"chat_template": "newer"}')
    expect((await Tokenizer.load(folder)).applyChatTemplate([])).toBe('newer')
    await writeFile(join(folder, 'chat_template.jinja'), 'newest {{ eos_token }}')
    expect((await Tokenizer.load(folder)).applyChatTemplate([])).toBe('newest </s>')
  })

  test('named templates: tool_use where tools are given', async () => {
    const templates = [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'tools' },
    ]
    const tokenizer = await Tokenizer.load(await folderWith({ config: { chat_template: templates } }))
    expect(tokenizer.applyChatTemplate([])).toBe('plain')
    expect(tokenizer.applyChatTemplate([], { tools: [{ name: 'add' }] })).toBe('tools')
  })

  test.each([
    ['tokenizer.json', 'no such file', undefined],
    ['tokenizer.json', 'broken JSON', '{"model": '],
    ['tokenizer.json', 'not a tokenizer', '{"model": {"type": "nothing"}}'],
    ['tokenizer_config.json', 'broken JSON', '{'],
    ['tokenizer_config.json', 'not an object', '[]'],
    ['tokenizer_config.json', 'a special token that is a number', '{"eos_token": 3}'],
    ['tokenizer_config.json', 'an eos that the vocabulary lacks', '{"eos_token": "<eos>"}'],
    ['special_tokens_map.json', 'broken JSON', 'nope'],
    ['generation_config.json', 'broken JSON', 'nope'],
  ])('%s: %s is refused by name', async (file, _what, content) => {
    const folder = await folderWith()
    if (content === undefined) await rm(join(folder, file))
    else await writeFile(join(folder, file), content)
    const loading = Tokenizer.load(folder)
    await expect(loading).rejects.toMatchObject({ code: 'invalid-tokenizer', where: join(folder, file) })
    await expect(loading).rejects.toThrow(file)
  })
})

describe('encoding and decoding', () => {
  test('added tokens are there or not as asked', async () => {
    const tokenizer = await Tokenizer.load(await folderWith({ addBos: true, addEos: true }))
    expect([...(await tokenizer.encode('ab'))]).toEqual([256, 97, 98, 257])
    expect([...(await tokenizer.encode('ab', { addSpecialTokens: false }))]).toEqual([97, 98])
    const { offsets, sequenceIds } = await tokenizer.encodeWithOffsets('ab')
    expect(offsets).toEqual([[0, 0], [0, 1], [1, 2], [0, 0]]) // prettier-ignore
    expect(sequenceIds).toEqual([null, 0, 0, null])
  })

  test('how many tokens are added before and after a text', async () => {
    for (const [addBos, addEos] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      // prettier-ignore
      const tokenizer = await Tokenizer.load(await folderWith({ addBos, addEos }))
      expect(await tokenizer.addedTokenCounts()).toEqual({ before: Number(addBos), after: Number(addEos) })
    }
  })

  test('a batch longer than one native call gives what single calls give', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    // Three calls' worth of characters, an empty text, and one text that is a call by itself.
    const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(index === 5 ? 300_000 : 100_000))
    texts.push('', 'end')
    const batch = await tokenizer.encodeBatch(texts)
    expect(batch.map((ids) => ids.length)).toEqual(texts.map((text) => text.length))
    expect(batch.map((ids) => ids[0])).toEqual(texts.map((text) => (text === '' ? undefined : text.charCodeAt(0))))
    expect(await tokenizer.encodeBatch([])).toEqual([])
  })

  test('a batch leaves the event loop free', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await tokenizer.encodeBatch(Array.from({ length: 64 }, () => 'some words '.repeat(2000)))
    clearInterval(timer)
    expect(turns).toBeGreaterThan(1)
  })

  test('special tokens in the text are left out of it or not as asked', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    const ids = await tokenizer.encode('a</s>b')
    expect([...ids]).toEqual([97, 257, 98])
    expect(await tokenizer.decode(ids)).toBe('ab')
    expect(await tokenizer.decode(ids, { skipSpecialTokens: false })).toBe('a</s>b')
  })

  test('masked labels are no ids', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    await expect(tokenizer.decode([97, -100])).rejects.toMatchObject({ code: 'invalid-option', where: 'ids[1]' })
  })
})

describe('decodeStream', () => {
  const pieces = async (tokenizer: Tokenizer, ids: readonly number[]): Promise<string[]> => {
    const stream = tokenizer.decodeStream()
    const result: string[] = []
    for (const id of ids) result.push(await stream.push(id))
    result.push(await stream.flush())
    return result
  }

  test('a character comes when its last byte does', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    expect(await pieces(tokenizer, [...Buffer.from('aé你👋!')])).toEqual(
      ['a', '', 'é', '', '', '你', '', '', '', '👋', '!', ''], // prettier-ignore
    )
  })

  test('an invalid byte shows once it cannot become a character, a cut-off one at the end', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    expect(await pieces(tokenizer, [97, 0xe4, 98])).toEqual(['a', '', '\uFFFDb', ''])
    expect(await pieces(tokenizer, [97, 0xe4])).toEqual(['a', '', '\uFFFD'])
  })

  test('special tokens give nothing, and the stream can be used again after a flush', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    const stream = tokenizer.decodeStream()
    expect(await stream.push([256, 97, 257])).toBe('a')
    expect(await stream.flush()).toBe('')
    expect(await stream.push(98)).toBe('b')
  })

  test('any bytes, in any portions, give the text of decoding at once', async () => {
    const tokenizer = await Tokenizer.load(await folderWith())
    const bytes = Array.from({ length: 300 }, (_, index) => (index * index * 31 + index * 7) % 256)
    const expected = await tokenizer.decode(bytes)
    for (const portion of [1, 2, 5, 300]) {
      const stream = tokenizer.decodeStream()
      let text = ''
      for (let at = 0; at < bytes.length; at += portion) text += await stream.push(bytes.slice(at, at + portion))
      expect(text + (await stream.flush())).toBe(expected)
    }
  })
})

describe('save', () => {
  test('copies the files that are there and loads again', async () => {
    const folder = await folderWith({ chatTemplate: 'x' })
    await writeFile(join(folder, 'chat_template.jinja'), 'y')
    await writeFile(join(folder, 'model.safetensors'), 'weights')
    const root = await mkdtemp(join(tmpdir(), 'attune-save-'))
    folders.push(root)
    const target = join(root, 'deep', 'er')
    const tokenizer = await Tokenizer.load(folder)
    const names = await tokenizer.save(target)
    expect(names).toEqual(['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'])
    expect((await readdir(target)).sort()).toEqual([...names].sort())
    expect((await Tokenizer.load(target)).applyChatTemplate([])).toBe('y')
    expect(await tokenizer.save(folder), 'onto itself').toEqual(names)
    expect(await readFile(join(folder, 'chat_template.jinja'), 'utf8')).toBe('y')
  })

  test('a target that cannot be made is named', async () => {
    const folder = await folderWith()
    const target = join(folder, 'tokenizer.json', 'below')
    const tokenizer = await Tokenizer.load(folder)
    await expect(tokenizer.save(target)).rejects.toMatchObject({ code: 'file-write-failed', where: target })
  })
})
