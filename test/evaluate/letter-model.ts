/** A tiny model beside a tokenizer of letters, for what needs texts. */
import { rm } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import type { LoadOptions } from '../../lib/models/model-options.js'
import { Model } from '../../lib/models/model.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'
import { tinyConfig } from '../tiny-model.js'

const vocabulary = 63

export const letterBert = {
  model_type: 'bert',
  vocab_size: vocabulary,
  hidden_size: 12,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 64,
  pad_token_id: 0,
  initializer_range: 0.5,
}

export const letterLlama = { ...tinyConfig, vocab_size: vocabulary, initializer_range: 0.3 }

export async function letterModel(
  config: Readonly<Record<string, unknown>>,
  options: LoadOptions = {},
): Promise<Model> {
  const directory = await writeLetterTokenizer({ eos_token: '[SEP]' })
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const { task, labels, problemType } = options
  await using made = await Model.fromConfig(config, {
    seed: 3,
    threads: 2,
    ...(task !== undefined && { task }),
    ...(labels !== undefined && { labels }),
    ...(problemType !== undefined && { problemType }),
  })
  await made.save(directory)
  return await Model.load(directory, { threads: 2, ...options })
}
