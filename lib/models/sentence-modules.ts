/** What sentence-transformers keeps beside a model: how hidden states become an embedding. */
import { existsSync } from 'node:fs'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import { readJsonObject } from './json-file.js'
import type { Pooling } from './task.js'

const modulesFile = 'modules.json'

const modulesSchema = z.array(z.looseObject({ type: z.string(), path: z.string() }))

/** Fields of `1_Pooling/config.json`, by what they stand for here. */
const poolingFields: Readonly<Record<string, Pooling>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_lasttoken: 'last',
}

export interface SentenceModules {
  readonly pooling: Pooling | undefined
  readonly normalize: boolean | undefined
}

/** @throws AttuneError `invalid-config` for a pooling or a layer that is not supported */
export async function sentenceModules(directory: string): Promise<SentenceModules> {
  const path = join(directory, modulesFile)
  if (!existsSync(path)) return { pooling: undefined, normalize: undefined }
  const result = modulesSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
  if (!result.success) throw new AttuneError('invalid-config', 'Expected a list of { type, path }.', { where: path })
  let pooling: Pooling | undefined
  let normalize = false
  for (const module of result.data) {
    const kind = module.type.split('.').at(-1)
    if (kind === 'Normalize') normalize = true
    else if (kind === 'Pooling') pooling = await storedPooling(join(directory, module.path, 'config.json'))
    else if (kind !== 'Transformer') {
      const message = `A ${module.type} after the model is not supported: expected Pooling and Normalize.`
      throw new AttuneError('invalid-config', message, { where: path })
    }
  }
  return { pooling, normalize }
}

async function storedPooling(path: string): Promise<Pooling> {
  const config = await readJsonObject(path)
  const set = Object.keys(config).filter((field) => field.startsWith('pooling_mode_') && config[field] === true)
  const pooling = poolingFields[set[0] ?? '']
  if (set.length === 1 && pooling !== undefined) return pooling
  const message = `Pooling by ${set.join(' and ') || 'nothing'} is not supported: expected one of ${Object.keys(poolingFields).join(', ')}.`
  throw new AttuneError('invalid-config', message, { where: path })
}

/** So that what is saved makes the same embeddings. */
export async function copySentenceModules(source: string, directory: string): Promise<void> {
  for (const name of [
    modulesFile,
    'sentence_bert_config.json',
    'config_sentence_transformers.json',
    '1_Pooling',
    '2_Normalize',
  ]) {
    const path = join(source, name)
    if (existsSync(path)) await cp(path, join(directory, name), { recursive: true })
  }
}
