/** The model families, by `model_type`. A family is one file and one line here. */
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import type { ModelDefinition, ModelFamily } from './family.js'
import { gpt2 } from './gpt2.js'
import { llama } from './llama.js'

export const families: readonly ModelFamily[] = [gpt2, llama]

export interface ConfigJson {
  readonly [field: string]: unknown
}

/** @throws AttuneError `unsupported-architecture` listing those supported */
export function defineModel(
  config: ConfigJson,
  options: { readonly dropout?: number | undefined } = {},
): ModelDefinition {
  const type = config.model_type
  const types = families.flatMap((family) => family.modelTypes)
  const family = families.find(({ modelTypes }) => modelTypes.some((known) => known === type))
  if (family === undefined) {
    const hint = typeof type === 'string' ? suggestion(type, types) : ''
    throw new AttuneError(
      'unsupported-architecture',
      `Model type ${JSON.stringify(type)} is not supported.${hint} Supported: ${types.join(', ')}.`,
      { where: 'config.json.model_type' },
    )
  }
  const architectures = Array.isArray(config.architectures) ? config.architectures.map(String) : []
  if (architectures.length > 0 && !architectures.some((name) => family.architectures.includes(name))) {
    throw new AttuneError(
      'unsupported-architecture',
      `Architecture ${architectures.join(', ')} is not supported. Supported: ${families.flatMap((f) => f.architectures).join(', ')}.`,
      { where: 'config.json.architectures' },
    )
  }
  return family.define(config, options.dropout)
}
