import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { goldenPath, goldensFolder, goldensMissing } from '../shared-goldens.js'
import { temporaryDirectory } from './fixture-models.js'

const base = 'examples/models/attune-base'
const addTokens = ['<order>', { content: 'zzyzx', special: false }, '<order>']

describe('tokens added to a tokenizer', () => {
  test('get the ids after the last, are never split, and are saved', async () => {
    const plain = await Tokenizer.load(base)
    const extended = plain.withAddedTokens(addTokens)
    const { vocabSize } = plain
    expect([...(await extended.encode('a<order>zzyzx'))].slice(1)).toEqual([vocabSize, vocabSize + 1])
    expect(await extended.decode([vocabSize, vocabSize + 1])).toBe('zzyzx')
    expect(extended.vocabSize).toBe(vocabSize + 2)
    expect(extended.withAddedTokens(addTokens)).toBe(extended)
    expect([...(await plain.encode('a<order>'))].length).toBeGreaterThan(2)

    const directory = temporaryDirectory()
    await extended.save(directory)
    const again = await Tokenizer.load(directory)
    expect(await again.encode('a<order>zzyzx')).toEqual(await extended.encode('a<order>zzyzx'))
    expect(await plain.addedIn(directory)).toEqual([
      { content: '<order>', special: true },
      { content: 'zzyzx', special: false },
    ])
    expect(() => plain.withAddedTokens([' '])).toThrow(/no token/)
  })

  test.skipIf(goldensFolder === undefined)(
    `of every kind get the ids that were promised ${goldensMissing}`,
    async () => {
      for (const name of readdirSync(goldenPath('tokenizers'))) {
        const plain = await Tokenizer.load(goldenPath('tokenizers', name))
        const extended = plain.withAddedTokens(['<first>', '<second>'])
        const ids = ['<first>', '<second>'].map((token) => extended.tokenToId(token))
        expect([name, ...ids]).toEqual([name, plain.vocabSize, plain.vocabSize + 1])
        expect(await extended.encode('some <first> text')).toContain(ids[0])
      }
    },
  )
})

describe('a model with added tokens', () => {
  test('has rows for them: the mean of the others, trained, saved and loaded like them', async () => {
    await using plain = await Model.load(base)
    await using model = await Model.load(base, { addTokens })
    const table = 'model.embed_tokens.weight'
    const [before, after] = [await plain.read(table), await model.read(table)]
    const [rows = 0, features = 0] = before.shape
    const fresh = 2 - (rows - (await plain.tokenizer()).vocabSize)
    expect(after.shape).toEqual([rows + fresh, features])
    expect(before.data.every((value, i) => value === after.data[i])).toBe(true)
    for (let c = 0; c < features; c += 37) {
      let sum = 0
      for (let r = 0; r < rows; r++) sum += before.data[r * features + c]!
      expect(after.data[(rows + fresh - 1) * features + c]).toBeCloseTo(sum / rows, 6)
    }
    const inputIds = [[5, 6, 7]]
    const [old, grown] = [await plain.forward({ inputIds }), await model.forward({ inputIds })]
    expect(grown.logits.data.slice(0, rows)).toEqual(old.logits.data.slice(0, rows))

    const added = (await model.tokenizer()).tokenToId('<order>')!
    const batch = { inputIds: [[5, added, 7]], labels: [[5, added, 7]] }
    const optimizer = model.optimizer({ learningRate: 1e-2 })
    await optimizer.step(batch)
    const moved = await model.read(table)
    expect(moved.data.slice(added * features, (added + 1) * features)).not.toEqual(
      after.data.slice(added * features, (added + 1) * features),
    )
    const directory = temporaryDirectory()
    await model.save(directory)
    expect(JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))).toMatchObject({ vocab_size: rows + fresh })
    await using again = await Model.load(directory)
    expect((await again.forward(batch)).logits).toEqual((await model.forward(batch)).logits)
    expect((await again.tokenizer()).tokenToId('<order>')).toBe(added)
  })

  test('hands them on with an adapter', async () => {
    await using model = await Model.load(base, { addTokens })
    await model.addAdapter(lora({ rank: 2, modulesToSave: ['embed_tokens'] }))
    const added = (await model.tokenizer()).tokenToId('<order>')!
    const batch = { inputIds: [[5, added, 7]], labels: [[5, added, 7]] }
    await model.optimizer({ learningRate: 1e-2 }).step(batch)
    const directory = temporaryDirectory()
    await model.save(directory)
    await using again = await Model.load(base, { adapter: directory })
    expect((await again.tokenizer()).tokenToId('<order>')).toBe(added)
    expect((await again.forward(batch)).logits).toEqual((await model.forward(batch)).logits)
  })

  test('is refused where a token is empty', async () => {
    await expect(Model.load(base, { addTokens: [''] })).rejects.toMatchObject({ code: 'invalid-option' })
  })
})
