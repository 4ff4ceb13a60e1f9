/** What a model family is: a file of `lib/models` gives one, `index.ts` lists them. */
import type { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { GraphBuilder, Value } from '../graph/builder.js'

/** A model read from its configuration: what the rest of attune needs to know of it, and how to write its graph. */
export interface ModelDefinition {
  readonly modelType: string
  /** Written as the `architectures` of a new checkpoint. */
  readonly architecture: string
  readonly vocabularySize: number
  /** Longest text the model takes. */
  readonly maxPositions: number
  readonly initializerRange: number
  /** Module path of the blocks, before their numbers. */
  readonly blocks: string
  readonly blockCount: number
  /** Module path of the last norm. */
  readonly finalNorm: string
  /** Module path of the token embedding. */
  readonly embedding: string
  /** Module path of the language-model head; its weight is the embedding's when `tied`. */
  readonly head: string
  readonly tied: boolean
  readonly hiddenSize: number
  /** Linear weights are stored (in, out). */
  readonly fanInFanOut: boolean
  /** Writes the graph up to the last hidden state. */
  readonly hidden: (g: GraphBuilder) => Value
  /** The parameter that a tensor of a checkpoint holds; undefined for a buffer that is no parameter. */
  readonly parameterOf: (tensor: string) => string | undefined
}

export interface ModelFamily {
  readonly modelTypes: readonly string[]
  readonly architectures: readonly string[]
  /** @param dropout in place of the configuration's probabilities */
  readonly define: (config: unknown, dropout: number | undefined) => ModelDefinition
}

/** `config` as the schema has it. @throws AttuneError `invalid-config` naming the field */
export function readConfig<Schema extends z.ZodType>(schema: Schema, config: unknown): z.output<Schema> {
  const result = schema.safeParse(config)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new AttuneError('invalid-config', `${issue?.message ?? 'Invalid configuration'}.`, {
    where: ['config.json', ...(issue?.path ?? [])].join('.'),
  })
}
