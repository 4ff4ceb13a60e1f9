/** Greedy and beam search of each family that writes, token by token as transformers gives them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { GenerateOptions } from '../../lib/generate/generate-options.js'
import { generateBatch } from '../../lib/generate/model-generate.js'
import { Model } from '../../lib/models/model.js'
import { fixtures, goldens, skipIfMissing, type Root } from './golden-case.js'

interface Golden {
  readonly model: string
  readonly max_new_tokens: number
  readonly prompts: readonly {
    readonly prompt: number[]
    readonly greedy: number[]
    readonly repetition_penalty: { readonly penalty: number; readonly ids: number[] }
    readonly no_repeat_ngram: { readonly size: number; readonly ids: number[] }
    readonly stop: { readonly eos_token_id: number; readonly ids: number[] }
    readonly beam?: {
      readonly num_beams: number
      readonly length_penalty: number
      readonly max_new_tokens: number
      readonly eos_token_id: number
      readonly ids: number[]
      readonly score: number
    }
  }[]
}

function goldenOf(root: Root, name: string): Golden {
  return JSON.parse(readFileSync(join(root.folder, 'generation', `${name}.json`), 'utf8')) as Golden
}

const names = ['gpt2', 'llama', 'mistral', 'qwen2', 'qwen3', 'gemma2', 'gemma3', 'phi3', 't5', 'flan-t5']

function present(root: Root): string[] {
  if (root.missing !== '') return []
  return names.filter((name) => existsSync(join(root.folder, 'generation', `${name}.json`)))
}

describe.each([fixtures, goldens])('generation of transformers: $name', (root) => {
  skipIfMissing(root)

  it.each(present(root))('%s', async (name) => {
    const golden = goldenOf(root, name)
    await using model = await Model.load(join(root.folder, golden.model), { threads: 2 })
    const { prompts } = golden
    const usual: GenerateOptions = { maxNewTokens: golden.max_new_tokens, stopTokenIds: [] }
    const all = prompts.map(({ prompt }) => prompt)
    const ids = async (given: readonly number[][], options: GenerateOptions): Promise<(readonly number[])[]> =>
      (await generateBatch(model, given, { ...usual, ...options })).map(({ tokenIds }) => tokenIds)

    // Each prompt gets what it gets alone, also where a slot is used again.
    for (const batchSize of [1, 2, 8])
      expect(await ids(all, { batchSize })).toEqual(prompts.map(({ greedy }) => greedy))
    for (const { prompt, repetition_penalty, no_repeat_ngram, stop, beam } of prompts) {
      expect(await ids([prompt], { repetitionPenalty: repetition_penalty.penalty })).toEqual([repetition_penalty.ids])
      expect(await ids([prompt], { noRepeatNgramSize: no_repeat_ngram.size })).toEqual([no_repeat_ngram.ids])
      expect(await ids([prompt], { stopTokenIds: [stop.eos_token_id] })).toEqual([stop.ids])
      if (beam === undefined) continue
      const [best] = await generateBatch(model, [prompt], {
        numBeams: beam.num_beams,
        lengthPenalty: beam.length_penalty,
        maxNewTokens: beam.max_new_tokens,
        stopTokenIds: [beam.eos_token_id],
      })
      expect(best!.tokenIds).toEqual(beam.ids)
      expect(Math.abs(best!.score! - beam.score)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(beam.score)))
    }
  })
})
