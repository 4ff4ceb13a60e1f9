import { beforeAll, describe, expect, test } from 'vitest'

import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { goldenNames, goldenPath, goldensMissing, readGolden } from '../shared-goldens.js'

interface TokenizationCase {
  tokenizer: string
  vocab_size: number
  strings: {
    text: string
    ids: number[]
    ids_plain: number[]
    tokens_plain: string[]
    offsets_plain: number[][]
    decoded: string
    decoded_all: string
  }[]
  pairs: {
    text: string
    pair: string
    ids: number[]
    type_ids: number[]
    offsets: number[][]
    sequence_ids: (number | null)[]
    decoded: string
  }[]
}

if (goldensMissing !== '') test.skip(goldensMissing)

describe.each(goldenNames('tokenization'))('tokenization golden %s', (name) => {
  const golden = readGolden<TokenizationCase>('tokenization', `${name}.json`)
  const texts = golden.strings.map(({ text }) => text)
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await Tokenizer.load(goldenPath(golden.tokenizer))
  })

  test('vocabulary size', () => {
    expect(tokenizer.vocabSize).toBe(golden.vocab_size)
  })

  test('ids with and without added tokens, one by one and in a batch', async () => {
    const ids = golden.strings.map((string) => string.ids)
    const plain = golden.strings.map((string) => string.ids_plain)
    expect((await tokenizer.encodeBatch(texts)).map((row) => [...row])).toEqual(ids)
    expect((await tokenizer.encodeBatch(texts, { addSpecialTokens: false })).map((row) => [...row])).toEqual(plain)
    for (const string of golden.strings) expect([...(await tokenizer.encode(string.text))]).toEqual(string.ids)
  })

  test('tokens and offsets in code points', async () => {
    const encoded = await tokenizer.encodeBatchWithOffsets(texts, { addSpecialTokens: false })
    expect(encoded.map(({ offsets }) => offsets)).toEqual(golden.strings.map((string) => string.offsets_plain))
    for (const { text, tokens_plain, offsets_plain } of golden.strings) {
      const { tokens, offsets } = await tokenizer.encodeWithOffsets(text, { addSpecialTokens: false })
      expect(tokens).toEqual(tokens_plain)
      expect(offsets).toEqual(offsets_plain)
    }
  })

  test('decoding, with and without special tokens', async () => {
    for (const string of golden.strings) {
      expect(await tokenizer.decode(string.ids)).toBe(string.decoded)
      expect(await tokenizer.decode(string.ids, { skipSpecialTokens: false })).toBe(string.decoded_all)
    }
  })

  test('pairs of texts', async () => {
    for (const { text, pair, ...expected } of golden.pairs) {
      const encoded = await tokenizer.encodeWithOffsets(text, { pair })
      expect([...encoded.ids]).toEqual(expected.ids)
      expect(encoded.typeIds).toEqual(expected.type_ids)
      expect(encoded.offsets).toEqual(expected.offsets)
      expect(encoded.sequenceIds).toEqual(expected.sequence_ids)
      expect(await tokenizer.decode(encoded.ids)).toBe(expected.decoded)
    }
  })

  test('a stream gives the same text as decoding at once, in any portions', async () => {
    for (const { ids } of golden.strings) {
      for (const skipSpecialTokens of [true, false]) {
        const expected = await tokenizer.decode(ids, { skipSpecialTokens })
        for (const portion of [1, 3]) {
          const stream = tokenizer.decodeStream({ skipSpecialTokens })
          let text = ''
          for (let at = 0; at < ids.length; at += portion) text += await stream.push(ids.slice(at, at + portion))
          text += await stream.flush()
          expect(text).toBe(expected)
        }
      }
    }
  })
})
