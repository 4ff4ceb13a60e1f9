/** What a model family is: a file of `lib/models` gives one, `index.ts` lists them. */
import type { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { GraphBuilder, Value } from '../graph/builder.js'
import type { ProblemType, Task } from '../task.js'
import type { Quantization } from './quantization.js'
import type { Pooling } from './task.js'

/** A head over the vocabulary: logits of the rows that are asked for. */
export interface VocabularyHead {
  readonly kind: 'vocabulary'
  /** Written as the `architectures` of a new checkpoint. */
  readonly architecture: string
  /** Module path of the matrix; an adapter never sits there. */
  readonly module: string
  /** Module path of the embedding whose table is the matrix; undefined: the head has its own. */
  readonly tiedTo: string | undefined
  /** Full name of the bias. @default none */
  readonly bias?: string
  /** logits = softcap · tanh(logits / softcap). @default none */
  readonly softcap?: number | undefined
  /** Layers between the last hidden state and the matrix. @default none */
  readonly transform?: (g: GraphBuilder, rows: Value) => Value
  /** Module paths of the whole head, besides a tied matrix. */
  readonly modules: readonly string[]
  /** Whether a checkpoint may come without it: it then starts with random values. @default false */
  readonly optional?: boolean
}

/** A head that gives a few numbers for a text, or for each token. */
export interface LabelHead {
  readonly kind: 'labels'
  readonly architecture: string
  /** Which rows of the hidden state it reads. */
  readonly reads: 'first' | 'last' | 'mean' | 'tokens'
  /** Module paths of the head. */
  readonly modules: readonly string[]
  readonly logits: (g: GraphBuilder, x: Value, outputs: number) => Value
}

/** No head: the hidden states of a text, pooled. */
export interface EmbeddingHead {
  readonly kind: 'embedding'
  readonly architecture: string
  /** Where the directory does not say. */
  readonly pooling: Pooling
  readonly modules: readonly string[]
}

export type Head = VocabularyHead | LabelHead | EmbeddingHead

/** A model without its head: what the rest of attune needs to know of it, and how to write its graph. */
export interface Backbone {
  readonly modelType: string
  readonly kind: 'decoder' | 'encoder' | 'encoder-decoder'
  readonly vocabularySize: number
  /** Longest text the model takes. */
  readonly maxPositions: number
  readonly initializerRange: number
  /** Standard deviations that initial values keep within. @default no limit */
  readonly initializerCutoff?: number
  /** Module path of the blocks, before their numbers. */
  readonly blocks: string
  readonly blockCount: number
  /** Module path of the last norm, where there is one after the blocks. */
  readonly finalNorm: string | undefined
  /** Module path of the token embedding. */
  readonly embedding: string
  readonly hiddenSize: number
  /** Linear weights are stored (in, out). */
  readonly fanInFanOut: boolean
  /** Rows of the token type table. @default 0: the model has none */
  readonly tokenTypes?: number
  /** Positions of a row's tokens where the batch gives none. @default 0, 1, 2, … */
  readonly positionsOf?: (row: ArrayLike<number>) => number[]
  /** Position of the first token of a text. @default 0 */
  readonly firstPosition?: number
  /** A classifier on a decoder reads the last token that is not this one. */
  readonly padTokenId?: number | undefined
  /** What the decoder of an encoder-decoder reads first. */
  readonly decoderStartTokenId?: number | undefined
  /** Writes the graph up to the last hidden state: the decoder's, of an encoder-decoder. */
  readonly hidden: (g: GraphBuilder) => Value
  /** Of an encoder-decoder: its encoder, which is all of the model where texts are embedded. */
  readonly encoder?: Pick<Backbone, 'blocks' | 'blockCount' | 'finalNorm' | 'hidden'>
  /** The parameter that a tensor of a checkpoint holds; undefined for a buffer that is no parameter. */
  readonly parameterOf: (tensor: string) => string | undefined
  /** The first is the family's own where neither caller nor configuration says. */
  readonly heads: Readonly<Partial<Record<Task, Head>>>
  /** Parameter names of heads that this model may have in other uses: left alone where the task has none such. */
  readonly headTensors: RegExp
}

/** A model for a task. */
export interface ModelDefinition extends Backbone {
  readonly task: Task
  /** Of sequence classification. */
  readonly problemType: ProblemType | undefined
  /** Names of what is predicted; empty where that is tokens or an embedding. */
  readonly labels: readonly string[]
  readonly head: Head
  /** Of embeddings. */
  readonly pooling: Pooling
  /** Whether embeddings are scaled to length 1. */
  readonly normalize: boolean
  readonly architecture: string
  /** Module path of the vocabulary's matrix, or of the whole head. */
  readonly headModules: readonly string[]
  /** Whether the head's matrix is the embedding's table. */
  readonly tied: boolean
  /** Parameters that are held in fewer bits, and how. */
  readonly quantized: ReadonlyMap<string, Quantization>
}

/** Hugging Face's config.json. */
export interface ConfigJson {
  readonly [field: string]: unknown
}

export interface ModelFamily {
  readonly modelTypes: readonly string[]
  /** @param dropout in place of the configuration's probabilities */
  readonly define: (config: unknown, dropout: number | undefined) => Backbone
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
