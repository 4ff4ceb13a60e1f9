import { join } from 'node:path'

import { AttuneError } from '../errors.js'
import { readJsonObjectIfThere, readTextIfThere } from './tokenizer-files.js'

/** Hugging Face's names of the tokens with a role. */
export const specialTokenNames = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const

export type SpecialTokenName = (typeof specialTokenNames)[number]

/** A chat template's text and the file it stands in. */
export interface TemplateSource {
  readonly source: string
  readonly where: string
}

export interface TokenizerConfig {
  readonly specialTokens: Readonly<Partial<Record<SpecialTokenName, string>>>
  /** `model_max_length`, where it is a real limit (transformers writes 1e30 for "none"). */
  readonly modelMaxLength: number | undefined
  /** Chat templates by name; the usual one is 'default'. */
  readonly chatTemplates: ReadonlyMap<string, TemplateSource>
  /** A template chosen in place of those of the files. */
  readonly chosenChatTemplate?: string
  /** `eos_token_id` of generation_config.json: what else ends a generated text. */
  readonly generationEosTokenIds: readonly number[]
}

type Json = Readonly<Record<string, unknown>>

/** Reads what stands beside tokenizer.json in a model directory. Throws AttuneError 'invalid-tokenizer'. */
export async function readTokenizerConfig(directory: string): Promise<TokenizerConfig> {
  const configPath = join(directory, 'tokenizer_config.json')
  const mapPath = join(directory, 'special_tokens_map.json')
  const [config, map, generation] = await Promise.all([
    readJsonObjectIfThere(configPath),
    readJsonObjectIfThere(mapPath),
    readJsonObjectIfThere(join(directory, 'generation_config.json')),
  ])
  const specialTokens: Partial<Record<SpecialTokenName, string>> = {}
  for (const name of specialTokenNames) {
    // A null in tokenizer_config.json says "none" and is not filled from the older file.
    const [value, path] = config?.[name] === undefined ? [map?.[name], mapPath] : [config[name], configPath]
    const content = tokenContent(value, name, path)
    if (content !== undefined) specialTokens[name] = content
  }
  const limit = config?.['model_max_length']
  return {
    specialTokens,
    modelMaxLength: typeof limit === 'number' && limit > 0 && limit < 1e9 ? limit : undefined,
    chatTemplates: await readChatTemplates(directory, config, configPath),
    generationEosTokenIds: [generation?.['eos_token_id'] ?? []].flat().filter((id) => typeof id === 'number'),
  }
}

/** A special token is a string, or an added token with `content`. */
function tokenContent(value: unknown, name: string, path: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'object' && 'content' in value && typeof value.content === 'string') return value.content
  throw new AttuneError('invalid-tokenizer', `${path}: ${name} should be a string or an object with content`, {
    where: path,
  })
}

/** chat_template.jinja wins over chat_template.json, and that over tokenizer_config.json. */
async function readChatTemplates(
  directory: string,
  config: Json | undefined,
  configPath: string,
): Promise<ReadonlyMap<string, TemplateSource>> {
  const templates = new Map<string, TemplateSource>()
  const jsonPath = join(directory, 'chat_template.json')
  const jinjaPath = join(directory, 'chat_template.jinja')
  const add = (value: unknown, where: string): void => {
    if (value === undefined || value === null) return
    if (typeof value === 'string') {
      templates.set('default', { source: value, where })
      return
    }
    for (const entry of Array.isArray(value) ? (value as unknown[]) : [value]) {
      const named = typeof entry === 'object' && entry !== null ? (entry as Json) : {}
      const { name, template } = named
      if (typeof name !== 'string' || typeof template !== 'string') {
        throw new AttuneError(
          'invalid-tokenizer',
          `${where}: chat_template should be a string or a list of { name, template }`,
          { where },
        )
      }
      templates.set(name, { source: template, where: `${where} (${name})` })
    }
  }
  add(config?.['chat_template'], configPath)
  add((await readJsonObjectIfThere(jsonPath))?.['chat_template'], jsonPath)
  add(await readTextIfThere(jinjaPath), jinjaPath)
  return templates
}
