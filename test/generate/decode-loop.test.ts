/** Where a token is chosen: on the device as long as nothing but the logits counts, and the same one as from logits that were read. */
import { expect, test } from 'vitest'
import { decode, type DecodeOptions } from '../../lib/generate/decode-loop.js'
import { settleGenerateOptions, type GenerateOptions } from '../../lib/generate/generate-options.js'
import { Model } from '../../lib/models/model.js'
import { fixtureModel } from '../models/fixture-models.js'

type StepDecoder = Parameters<typeof decode>[0]

const prompts = [
  [5, 3, 9],
  [8, 8, 4, 1],
  [6, 1],
]

/** The ids of each prompt, and what the decoder was asked for. */
async function run(given: GenerateOptions, more: Partial<DecodeOptions> = {}) {
  await using model = await Model.load(fixtureModel('llama'))
  const real = model.decoder({ slots: 2, capacity: 16 })
  const asked = new Set<string>()
  const decoder: StepDecoder = {
    slots: real.slots,
    capacity: real.capacity,
    step: (step) => (asked.add('step'), real.step(step)),
    likeliest: (step) => (asked.add('likeliest'), real.likeliest(step)),
    sample: (step, draws) => (asked.add('sample'), real.sample(step, draws)),
  }
  const settled = settleGenerateOptions({ maxNewTokens: 9, seed: 11, ...given })
  const ids: number[][] = prompts.map(() => [])
  for await (const { row, tokenId } of decode(decoder, prompts, {
    ...settled,
    stopTokenIds: new Set<number>(),
    ...more,
  })) {
    ids[row]!.push(tokenId)
  }
  real.dispose()
  return { ids, asked: [...asked] }
}

/** Bans a word that cannot come: the same choice, from logits. */
const fromLogits = { badWordsIds: [[30, 31, 32, 33, 34, 35, 36]] }

test.each<[GenerateOptions, string]>([
  [{ temperature: 0 }, 'likeliest'],
  [{ temperature: 3 }, 'sample'],
  [{ temperature: 5, topK: 7 }, 'sample'],
  [{ temperature: 4, topP: 0.75 }, 'sample'],
  [{ temperature: 6, topK: 20, topP: 0.875, minP: 0.25 }, 'sample'],
])('with %j the tokens come from %s', async (options, from) => {
  const chosen = await run(options)
  expect(chosen.asked).toEqual([from])
  const read = await run(options, fromLogits)
  expect(read.asked).toEqual(['step'])
  expect(chosen.ids).toEqual(read.ids)
})

test.each<[GenerateOptions, Partial<DecodeOptions>]>([
  [{ temperature: 1, typicalP: 0.9 }, {}],
  [{ temperature: 1, repetitionPenalty: 1.2 }, {}],
  [{ temperature: 1, minNewTokens: 9 }, { stopTokenIds: new Set([2]) }],
])('with %j they are chosen here', async (options, more) => {
  expect((await run(options, more)).asked).toEqual(['step'])
})
