/** A tiny BERT of any task that reads letters: each letter of a word is a token. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Model } from '../../lib/models/model.js'
import type { ModelOptions } from '../../lib/models/model-options.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'

const config = {
  model_type: 'bert',
  vocab_size: 63,
  hidden_size: 12,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 24,
  pad_token_id: 0,
  initializer_range: 0.5,
}

/** A directory with model and tokenizer; the caller removes it. */
export async function writeLetterModel(options: ModelOptions, change: object = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'attune-predict-'))
  await using model = await Model.fromConfig({ ...config, ...change }, { seed: 3, threads: 2, ...options })
  await model.save(directory)
  const letters = await writeLetterTokenizer()
  await cp(letters, directory, { recursive: true })
  await rm(letters, { recursive: true })
  return directory
}

/** The model, loaded, for the length of a test file or a test. */
export async function letterModel(options: ModelOptions, change: object = {}): Promise<Model> {
  const directory = await writeLetterModel(options, change)
  try {
    // How hidden states become an embedding is not in config.json.
    const { pooling = 'mean', normalize = false } = options
    const model = await Model.load(directory, { threads: 2, pooling, normalize })
    await model.tokenizer()
    return model
  } finally {
    await rm(directory, { recursive: true })
  }
}
