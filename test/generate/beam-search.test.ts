import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { BeamSearch, type BeamOptions } from '../../lib/generate/beam-search.js'
import { searchBeams, type BeamDecoder } from '../../lib/generate/beam-loop.js'
import type { GenerateOptions } from '../../lib/generate/generate-options.js'
import { generateBatch } from '../../lib/generate/model-generate.js'
import { Model } from '../../lib/models/model.js'
import { fixtureModel } from '../models/fixture-models.js'
import { tinyModel } from '../tiny-model.js'
import { writeByteTokenizer } from '../tokenizer/byte-tokenizer.js'

interface Case {
  readonly prompt: number[]
  readonly options: Readonly<Record<string, unknown>>
  readonly ids: number[][]
  readonly scores: number[]
}

/** What transformers gave: see fixtures/make-beam-cases.py. */
const { cases } = JSON.parse(
  readFileSync(fileURLToPath(new URL('fixtures/beam-cases.json', import.meta.url)), 'utf8'),
) as { cases: Record<'gpt2' | 'llama', Case[]> }

/** transformers' options under attune's names. */
function optionsOf({ eos_token_id: stopTokenIds, ...rest }: Readonly<Record<string, unknown>>): GenerateOptions {
  const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
  return {
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [camel(name), value])),
    stopTokenIds,
  } as GenerateOptions
}

// A score is a sum of up to 12 log probabilities near 1 to 3, each off by float32's rounding of logits (1e-6 of 10).
const tolerance = 1e-5

function expectScores(actual: readonly (number | undefined)[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length)
  expected.forEach((score, i) => {
    expect(Math.abs((actual[i] ?? NaN) - score)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(score)))
  })
}

/** The cases of a model by their options, each with several prompts. */
function groupsOf(name: 'gpt2' | 'llama'): [string, Case[]][] {
  const groups = new Map<string, Case[]>()
  for (const found of cases[name]) {
    const key = JSON.stringify(found.options)
    groups.set(key, [...(groups.get(key) ?? []), found])
  }
  return [...groups]
}

describe.each(['gpt2', 'llama'] as const)('beam search of transformers: %s', (name) => {
  let model: Model
  beforeAll(async () => {
    model = await Model.load(fixtureModel(name), { threads: 1 })
  })
  afterAll(() => model.dispose())

  async function expectCases(group: readonly Case[], batchSize: number): Promise<void> {
    const options = optionsOf(group[0]!.options)
    const prompts = group.map(({ prompt }) => prompt)
    const results = await generateBatch(model, prompts, { ...options, batchSize })
    expect(results.map(({ tokenIds }) => tokenIds)).toEqual(group.flatMap(({ ids }) => ids))
    expectScores(
      results.map(({ score }) => score),
      group.flatMap(({ scores }) => scores),
    )
    for (const { tokenIds, finishReason } of results) {
      const stopped = options.stopTokenIds?.includes(tokenIds.at(-1)!)
      expect(finishReason).toBe(stopped === true ? 'stop' : 'length')
    }
  }

  // Two of three prompts at once: the third gets the slots of the one that is done first.
  it.each(groupsOf(name))('%s', (_, group) => expectCases(group, 2))

  it('gives the same one after the other and all at once', async () => {
    const [, group] = groupsOf(name)[2]!
    await expectCases(group, 1)
    await expectCases(group, 8)
  })
})

describe('beam search', () => {
  const options: BeamOptions = { numBeams: 100, lengthPenalty: 1.3, earlyStopping: 'never' }

  /** Log probabilities of three tokens after a token. */
  const chain = [
    [0.2, 0.5, 0.3],
    [0.1, 0.3, 0.6],
    [0.25, 0.6, 0.15],
  ].map((row) => Float64Array.from(row, Math.log))

  it('with beams for all finds what counting all finds', async () => {
    const maxNewTokens = 4
    const search = new BeamSearch([1], maxNewTokens, options)
    while (!search.done) {
      const scores = search.running.map(({ history }) => chain[history.at(-1)!]!)
      await search.advance(scores, 200, ({ history }) => {
        if (history.at(-1) === 0) return 'stop'
        return history.length > maxNewTokens ? 'length' : undefined
      })
    }
    const expected: { tokenIds: number[]; score: number }[] = []
    const count = (tokenIds: number[], logProbability: number): void => {
      const last = tokenIds.at(-1) ?? 1
      if (tokenIds.length === maxNewTokens || (tokenIds.length > 0 && last === 0)) {
        expected.push({ tokenIds, score: logProbability / tokenIds.length ** 1.3 })
      } else chain[last]!.forEach((next, token) => count([...tokenIds, token], logProbability + next))
    }
    count([], 0)
    expected.sort((a, b) => b.score - a.score)
    // 1 + 2 + 4 that end before the last token, 8 × 3 with it.
    expect(search.finished).toHaveLength(31)
    search.finished.forEach(({ score }, i) => expect(score).toBeCloseTo(expected[i]!.score, 12))
    expect(search.finished[0]!.tokenIds).toEqual(expected[0]!.tokenIds)
  })

  it('ends with what there is where nothing may follow', async () => {
    const search = new BeamSearch([1], 9, { ...options, numBeams: 2 })
    await search.advance([Float64Array.of(-1, -2, -3)], 4, () => undefined)
    expect(search.running.map(({ history }) => history)).toEqual([
      [1, 0],
      [1, 1],
    ])
    const nothing = new Float64Array(3).fill(-Infinity)
    await search.advance([nothing, nothing], 4, () => undefined)
    expect(search.done).toBe(true)
    expect(search.finished).toEqual([
      { tokenIds: [0], score: -1, finishReason: 'length' },
      { tokenIds: [1], score: -2, finishReason: 'length' },
    ])
  })

  it('copies a slot only where a hypothesis has a second child', async () => {
    const copied: unknown[] = []
    const decoder: BeamDecoder = {
      slots: 2,
      capacity: 8,
      step: ({ inputIds }) => {
        const rows = inputIds.map((ids) => chain[ids.at(-1)!]!)
        return Promise.resolve({ data: Float32Array.from(rows.flatMap((row) => [...row])), shape: [rows.length, 3] })
      },
      copySlots: (copies) => Promise.resolve(void copied.push(copies)),
    }
    const found = []
    const two = { ...options, numBeams: 2, maxNewTokens: 3, minNewTokens: 0, stopTokenIds: new Set<number>() }
    for await (const { hypotheses } of searchBeams(decoder, [[1]], two)) found.push(...hypotheses)
    // 0.6 and 0.3 from the prompt; 0.6 · 0.6 and 0.3 · 0.6, then 0.6 · 0.6 · 0.6 and 0.6 · 0.6 · 0.3.
    expect(found.map(({ tokenIds }) => tokenIds)).toEqual([
      [2, 1, 2],
      [2, 1, 1],
    ])
    const none = { sources: [], destinations: [], lengths: [] }
    expect(copied).toEqual([{ sources: [0], destinations: [1], lengths: [1] }, none, none])
    const missing = searchBeams({ ...decoder, slots: 1 }, [[1]], two).next()
    await expect(missing).rejects.toMatchObject({ code: 'invalid-option' })
  })

  it('ends hypotheses at a stop text, of which nothing is shown', async () => {
    const folder = await writeByteTokenizer()
    onTestFinished(() => rm(folder, { recursive: true }))
    const config = { vocab_size: 261, initializer_range: 0.3 }
    await using made = await tinyModel({}, config)
    await made.save(folder)
    await using model = await Model.load(folder, { threads: 1 })
    const lowerCase = (id: number): boolean => id >= 97 && id <= 122
    const badWordsIds = Array.from({ length: 261 }, (_, id) => [id]).filter(([id]) => !lowerCase(id!))
    // By their probability alone short texts are the best.
    const beams = { numBeams: 4, numReturnSequences: 4, maxNewTokens: 10, lengthPenalty: 0, badWordsIds }
    const [free] = await model.generateBatch(['so '], beams)
    expect(free!.text).toMatch(/^[a-z]{10}$/)
    const stop = free!.text.slice(2, 4)
    const stopped = await model.generateBatch(['so '], { ...beams, stop })
    expect(stopped.map(({ finishReason }) => finishReason)).toContain('stop')
    for (const { text, tokenIds, finishReason } of stopped) {
      const whole = String.fromCharCode(...tokenIds)
      expect(text).toBe(finishReason === 'stop' ? whole.slice(0, -2) : whole)
      expect(whole.indexOf(stop)).toBe(finishReason === 'stop' ? whole.length - 2 : -1)
    }
    // A stream gives the best answer, once the search is over.
    const pieces = []
    for await (const piece of model.generate('so ', { ...beams, numReturnSequences: 1, stop })) pieces.push(piece)
    const [best] = stopped
    expect(pieces.map(({ text }) => text).join('')).toBe(best!.text)
    expect(pieces.map(({ tokenId }) => tokenId)).toEqual(best!.tokenIds)
    expect(pieces.at(-1)).toMatchObject({ score: best!.score, finishReason: best!.finishReason })
  })

  it('fills the model to its last position and no further', async () => {
    await using model = await tinyModel()
    const prompt = Array.from({ length: 60 }, (_, i) => i)
    const [result] = await generateBatch(model, [prompt], { maxNewTokens: 100, numBeams: 3 })
    expect(result).toMatchObject({ finishReason: 'length', promptTokens: 60 })
    expect(result!.tokenIds).toHaveLength(5)
  })

  it('refuses what cannot go', async () => {
    await using model = await tinyModel()
    const refused = async (where: string, given: GenerateOptions): Promise<void> => {
      const error = { code: 'invalid-option', where: `options.${where}` }
      await expect(generateBatch(model, [[1]], given)).rejects.toMatchObject(error)
    }
    await refused('numBeams', { numBeams: 0 })
    await refused('numBeams', { numBeams: 2, temperature: 0.5 })
    await refused('numBeams', { numBeams: 2, topK: 5 })
    await refused('numReturnSequences', { numBeams: 2, numReturnSequences: 3 })
    await refused('numReturnSequences', { numReturnSequences: 2 })
    await refused('earlyStopping', { numBeams: 2, earlyStopping: 'always' as 'never' })
    await refused('minNewTokens', { maxNewTokens: 3, minNewTokens: 4 })
    // One token of 64 in the first step: there cannot be 65 answers.
    await refused('numReturnSequences', { numBeams: 65, numReturnSequences: 65, maxNewTokens: 1 })
    const several = model.generate([1], { numBeams: 2, numReturnSequences: 2 }).next()
    await expect(several).rejects.toMatchObject({ code: 'invalid-option', where: 'options.numReturnSequences' })
    const signal = AbortSignal.abort()
    await expect(generateBatch(model, [[1]], { numBeams: 2, signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})
