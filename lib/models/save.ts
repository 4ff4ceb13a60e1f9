/** A model or an adapter as a directory that transformers and PEFT load. */
import { existsSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeDirectory, writeJson } from '../export/write-directory.js'
import type { ParameterSpec } from '../graph/builder.js'
import type { NativeSafetensorsEntry, NativeSession } from '../native.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { copyTokenizerFiles } from '../tokenizer/tokenizer-files.js'
import type { ConfigJson, ModelDefinition } from './family.js'
import { labelFields } from './labels.js'
import { checkOptions } from '../check-options.js'
import { adapterTask, adapterTaskFile } from './adapter-task.js'
import { writePeftConfig, type PeftOptions } from './peft-config.js'
import { writeSentenceModules } from './sentence-modules.js'

export type FileDtype = 'f32' | 'bf16' | 'f16'

export interface SaveOptions {
  /** @default 'safetensors' */
  readonly format?: 'safetensors'
  /** Write the whole model with the adapter multiplied in; without it a model that has an adapter writes the adapter alone. @default false */
  readonly merge?: boolean
  /** Of the weights in the file. @default the model's (adapters: 'f32') */
  readonly dtype?: FileDtype
}

export interface ModelFiles {
  readonly session: NativeSession
  readonly config: ConfigJson
  readonly parameters: Iterable<ParameterSpec>
  readonly dtype: FileDtype
  /** Weights in place of the session's, by name. */
  readonly replaced: ReadonlyMap<string, Float32Array>
  readonly definition: ModelDefinition
  /** Where the tokenizer's files lie. */
  readonly source: string | undefined
  /** In place of the one in `source`. */
  readonly tokenizer: Tokenizer | undefined
}

const torchDtypes = { f32: 'float32', bf16: 'bfloat16', f16: 'float16' } as const

const metadata = { format: 'pt' }

/** Files that would be read in place of, or beside, those just written. */
const stale = ['model.safetensors.index.json', 'adapter_config.json', 'adapter_model.safetensors', adapterTaskFile]

export async function saveModel(target: string, files: ModelFiles): Promise<void> {
  const { session, parameters, dtype, replaced, source, tokenizer } = files
  const entries: NativeSafetensorsEntry[] = []
  for (const { name, shape } of parameters) {
    const data = replaced.get(name)
    entries.push(data === undefined ? { name, dtype, shape, parameter: name } : { name, dtype, shape, data })
  }
  const fill = async (directory: string) => {
    await session.saveSafetensors(join(directory, 'model.safetensors'), entries, metadata)
    await writeFile(join(directory, 'config.json'), `${withFloats(JSON.stringify(savedConfig(files), null, 2))}\n`)
    if (files.definition.task === 'embedding') await writeSentenceModules(directory, files.definition)
    if (source !== undefined) await copyCompanions(source, directory)
    await tokenizer?.save(directory)
  }
  await writeDirectory(target, fill, { replaces: stale })
}

export interface AdapterFiles {
  readonly session: NativeSession
  readonly parameters: Iterable<ParameterSpec>
  readonly dtype: FileDtype
  readonly peft: PeftOptions
  readonly definition: ModelDefinition
  readonly source: string | undefined
  readonly tokenizer: Tokenizer | undefined
}

export async function saveAdapter(target: string, files: AdapterFiles): Promise<void> {
  const { session, parameters, dtype, peft, definition, source, tokenizer } = files
  const entries = [...parameters].map(({ name, shape }) => ({ name, dtype, shape, parameter: name }))
  await writeDirectory(target, async (directory) => {
    await session.saveSafetensors(join(directory, 'adapter_model.safetensors'), entries, metadata)
    await writeJson(join(directory, 'adapter_config.json'), writePeftConfig(peft))
    await writeJson(join(directory, adapterTaskFile), adapterTask(definition))
    if (source !== undefined) await copyTokenizerFiles(source, directory)
    await tokenizer?.save(directory)
  })
}

/** The configuration it was loaded with, with what the head predicts and the dtype of the file, in the field that it uses. */
function savedConfig({ config, dtype, definition }: ModelFiles): ConfigJson {
  const field = 'torch_dtype' in config && !('dtype' in config) ? 'torch_dtype' : 'dtype'
  return {
    ...config,
    architectures: [definition.architecture],
    ...labelFields(definition),
    [field]: torchDtypes[dtype],
  }
}

/** Fields that transformers refuses, or warns about, where they hold whole numbers: JavaScript writes 1 for what was 1.0. */
const floatFields =
  /^(\s*"(?:initializer_factor|initializer_cutoff_factor|(?:attn|final)_logit_softcapping|(?:low_freq_|high_freq_|partial_rotary_)?factor)": -?\d+)(,?)$/gm

function withFloats(json: string): string {
  return json.replace(floatFields, '$1.0$2')
}

async function copyCompanions(source: string, directory: string): Promise<void> {
  await copyTokenizerFiles(source, directory)
  const generation = join(source, 'generation_config.json')
  if (existsSync(generation)) await copyFile(generation, join(directory, 'generation_config.json'))
}

const schema = z.strictObject({
  format: z.literal('safetensors').optional(),
  merge: z.boolean().optional(),
  dtype: z.enum(['f32', 'bf16', 'f16']).optional(),
})

export function checkSaveOptions(options: SaveOptions): void {
  checkOptions(schema, options, 'save')
}
