import { describe, expect, it } from 'vitest'
import { generateBatch } from '../../lib/generate/model-generate.js'
import { Model } from '../../lib/models/model.js'
import { goldenPath, goldensFolder, readGolden } from '../shared-goldens.js'
import { tinyModel } from '../tiny-model.js'

interface Golden {
  readonly model: string
  readonly max_new_tokens: number
  readonly prompts: readonly { readonly prompt: number[]; readonly greedy: number[] }[]
}

describe.skipIf(goldensFolder === undefined).each(['gpt2', 'llama'])('generation of transformers: %s', (name) => {
  it('gives text piece by piece that joins to the whole, and ends before a stop text', async () => {
    const golden = readGolden<Golden>('generation', `${name}.json`)
    await using model = await Model.load(goldenPath(golden.model), { threads: 2 })
    const tokenizer = await model.tokenizer()
    const { prompt, greedy } = golden.prompts[0]!
    let text = ''
    let reason: string | undefined
    for await (const piece of model.generate(prompt, { maxNewTokens: golden.max_new_tokens, stopTokenIds: [] })) {
      text += piece.text
      reason = piece.finishReason
    }
    const whole = await tokenizer.decode(greedy)
    expect(text).toBe(whole)
    expect(reason).toBe('length')
    const stop = whole.slice(6, 9)
    const [stopped] = await generateBatch(model, [prompt], {
      maxNewTokens: golden.max_new_tokens,
      stopTokenIds: [],
      stop,
    })
    expect(stopped).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finishReason: 'stop' })
  })
})

describe('generation', () => {
  const prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9]]
  const sampled = { maxNewTokens: 12, temperature: 0.9, topK: 20, seed: 5 }

  it('draws the same for a seed in any company, and another for another seed', async () => {
    await using model = await tinyModel({}, { initializer_range: 0.3 })
    const together = await generateBatch(model, prompts, sampled)
    for (const [row, prompt] of prompts.entries()) {
      const [alone] = await generateBatch(model, [prompt], sampled)
      expect(alone!.tokenIds).toEqual(together[row]!.tokenIds)
    }
    const [other] = await generateBatch(model, prompts, { ...sampled, seed: 6 })
    expect(other!.tokenIds).not.toEqual(together[0]!.tokenIds)
  })

  it('draws several answers to a prompt, the first as if it were alone', async () => {
    await using model = await tinyModel({}, { initializer_range: 0.3 })
    const together = await generateBatch(model, prompts, sampled)
    const several = await generateBatch(model, prompts, { ...sampled, numReturnSequences: 3, batchSize: 4 })
    expect(several).toHaveLength(9)
    prompts.forEach((_, row) => {
      const answers = several.slice(3 * row, 3 * row + 3).map(({ tokenIds }) => tokenIds)
      expect(answers[0]).toEqual(together[row]!.tokenIds)
      expect(answers[1]).not.toEqual(answers[0])
      expect(answers[2]).not.toEqual(answers[1])
    })
  })

  it('lets no stop token come early, and no bad word at all', async () => {
    await using model = await tinyModel({}, { initializer_range: 0.3 })
    const ids = async (options: object): Promise<readonly number[]> => {
      const [result] = await generateBatch(model, [[3, 1]], { maxNewTokens: 8, stopTokenIds: [], ...options })
      return result!.tokenIds
    }
    const free = await ids({})
    expect(await ids({ stopTokenIds: [free[0]] })).toEqual([free[0]])
    const later = await ids({ stopTokenIds: [free[0]], minNewTokens: 5 })
    expect(later.length).toBeGreaterThanOrEqual(5)
    expect(later.slice(0, 5)).not.toContain(free[0])
    expect((await ids({ badWordsIds: [[free[0]]] }))[0]).not.toBe(free[0])
    // A word of two is banned where its first token has come.
    const other = await ids({ badWordsIds: [[free[0], free[1]]] })
    expect(other[0]).toBe(free[0])
    expect(other[1]).not.toBe(free[1])
  })

  it('agrees with the forward pass without caches', async () => {
    await using model = await tinyModel({}, { initializer_range: 0.3 })
    const ids = [3, 1, 4, 1, 5]
    const [result] = await generateBatch(model, [ids], { maxNewTokens: 8 })
    for (const expected of result!.tokenIds) {
      const { logits } = await model.forward({ inputIds: [ids] })
      const last = logits.data.subarray(-64)
      expect(last.indexOf(Math.max(...last))).toBe(expected)
      ids.push(expected)
    }
  })

  it('fills the model to its last position and no further', async () => {
    await using model = await tinyModel()
    const [result] = await generateBatch(model, [Array.from({ length: 60 }, (_, i) => i)], { maxNewTokens: 100 })
    expect(result).toMatchObject({ finishReason: 'length', promptTokens: 60 })
    // Four find a place in the cache, and the last needs none.
    expect(result!.tokenIds).toHaveLength(5)
  })

  it('refuses what cannot go', async () => {
    await using model = await tinyModel()
    await expect(generateBatch(model, [new Int32Array(64)])).rejects.toMatchObject({ code: 'sequence-too-long' })
    await expect(generateBatch(model, ['text'])).rejects.toMatchObject({ code: 'invalid-tokenizer' })
    await expect(generateBatch(model, [[1]], { topP: 0 })).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'options.topP',
    })
    await expect(generateBatch(model, [[1]], { maxTokens: 3 } as object)).rejects.toThrow(
      'options.maxTokens is no option',
    )
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(generateBatch(model, [[1]], { signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})
