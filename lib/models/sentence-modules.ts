/** What sentence-transformers keeps beside a model: how hidden states become an embedding. */
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import { writeJson } from '../export/write-directory.js'
import type { ModelDefinition } from './family.js'
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
  const result = modulesSchema.safeParse(await readJsonList(path))
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

async function readJsonList(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch (cause) {
    throw new AttuneError('invalid-json', 'The file is not JSON.', { where: path, cause })
  }
}

async function storedPooling(path: string): Promise<Pooling> {
  const config = await readJsonObject(path)
  const set = Object.keys(config).filter((field) => field.startsWith('pooling_mode_') && config[field] === true)
  const pooling = poolingFields[set[0] ?? '']
  if (set.length === 1 && pooling !== undefined) return pooling
  const message = `Pooling by ${set.join(' and ') || 'nothing'} is not supported: expected one of ${Object.keys(poolingFields).join(', ')}.`
  throw new AttuneError('invalid-config', message, { where: path })
}

/** What sentence-transformers needs to make the same embeddings of a saved model. */
export async function writeSentenceModules(directory: string, definition: ModelDefinition): Promise<void> {
  const { pooling, normalize, hiddenSize } = definition
  const layers = ['Transformer', 'Pooling', ...(normalize ? ['Normalize'] : [])]
  const modules = layers.map((layer, i) => ({
    idx: i,
    name: String(i),
    path: i === 0 ? '' : `${i}_${layer}`,
    type: `sentence_transformers.models.${layer}`,
  }))
  await writeJson(join(directory, modulesFile), modules)
  const modes = Object.entries(poolingFields).map(([field, mode]) => [field, mode === pooling])
  const config: Record<string, unknown> = {
    word_embedding_dimension: hiddenSize,
    ...(Object.fromEntries(modes) as Record<string, boolean>),
  }
  await mkdir(join(directory, '1_Pooling'), { recursive: true })
  await writeJson(join(directory, '1_Pooling', 'config.json'), config)
  if (normalize) await mkdir(join(directory, '2_Normalize'), { recursive: true })
}
