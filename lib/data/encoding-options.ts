/** How rows become tokens: options that training and evaluation share. Each task has options of its own, and no others. */
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { OptionTable } from '../options.js'
import type { Task } from '../task.js'
import { builtInTemplateNames, type BuiltInTemplateName } from '../tokenizer/chat-templates/index.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { LossOn } from './row-encoders.js'
import { checkedStride } from './windows.js'

export const truncations = ['error', 'tail', 'head', 'skip', 'split', 'window'] as const

/** What happens to rows that are longer than `maxLength`. */
export type Truncation = (typeof truncations)[number]

export const encodingOptions = {
  tokenizer: {
    type: z.custom<Tokenizer>((value) => typeof value === 'object' && value !== null).describe('a Tokenizer'),
    description: "Encodes the rows; absent: the one in the model's directory",
    flag: false,
  },
  lossOn: {
    type: z.enum(['all', 'completion', 'assistant', 'last-assistant']),
    description:
      'Which tokens carry the loss of a causal model; absent: completions, assistant turns, or all of a plain text',
  },
  chatTemplate: {
    type: z.string().min(1),
    description: `Of causal-lm: how conversations are written, where the model has no template or another is wanted: ${builtInTemplateNames.join(', ')}, a file, or the template's text; saved with the model`,
  },
  templateVariables: {
    type: z.record(z.string(), z.unknown()).describe('an object'),
    description: 'Further variables of the chat template',
    flag: false,
  },
  maxLength: { type: z.int().min(2), description: 'Tokens of a row at most; absent: what the model takes' },
  truncation: {
    type: z.enum(truncations),
    description:
      'Of longer rows: refuse, cut off the end, cut off the beginning, or leave out; make several of one (window; of masked-lm split is the same), but of seq2seq-lm and embedding',
    default: 'error' as const,
  },
  stride: {
    type: z.int().min(0),
    description:
      "Tokens that neighbouring windows share, with truncation 'window' or of question answering; absent: of causal-lm and sequence classification 0, of token classification and question answering 128 or a third of a shorter window",
  },
  labelPieces: {
    type: z.enum(['first', 'all']),
    description: "Of token classification: which pieces of a word carry its label; absent: 'first'",
  },
  maskProbability: {
    type: z.number().gt(0).lt(1),
    description: 'Of a masked model: part of the tokens that is to be predicted; absent: 0.15',
  },
  wholeWord: { type: z.boolean(), description: 'Of a masked model: all pieces of a word are masked together' },
  prefix: { type: z.string(), description: 'Of sequence to sequence: put before each source' },
  cache: {
    type: z.union([z.literal(false), z.string().min(1)]).describe('a directory, or false'),
    description:
      'Keeps encoded rows in this directory: the same rows, options and tokenizer are read from there the next time. Absent: no cache',
    flag: 'directory',
    off: 'Encodes the rows anew whatever the configuration file says of a cache',
  },
  onEncoding: {
    type: z.custom<EncodingProgress>((value) => typeof value === 'function').describe('a function'),
    description: 'Called while rows are encoded',
    flag: false,
  },
  maxTargetLength: {
    type: z.int().min(2),
    description: 'Of sequence to sequence: tokens of a target at most; absent: maxLength',
  },
} satisfies OptionTable

/** So many of the rows are encoded. */
export type EncodingProgress = (done: { readonly rows: number; readonly ofRows: number }) => void

/** See `encodingOptions` for each option's meaning. */
export interface EncodingOptions {
  /** @default the one in the model's directory */
  readonly tokenizer?: Tokenizer | undefined
  /** Of causal-lm: which tokens carry the loss. @default completions, assistant turns, or all of a plain text */
  readonly lossOn?: LossOn | undefined
  /** Of causal-lm: a built-in chat template by its name, a file, or a template's text. @default the tokenizer's own */
  readonly chatTemplate?: BuiltInTemplateName | (string & {}) | undefined
  /** Further variables of the chat template. @default none */
  readonly templateVariables?: Readonly<Record<string, unknown>> | undefined
  /** Tokens of a row at most. @default what the model takes; of windows of a context to answer from 384 */
  readonly maxLength?: number | undefined
  /** 'window' makes several examples of one row, but of seq2seq-lm and embedding; 'split' is the same of masked-lm. @default 'error' */
  readonly truncation?: Truncation | undefined
  /**
   * Tokens that windows share, with truncation 'window' or of question answering. @default of causal-lm and sequence classification 0,
   * of token classification and question answering 128 or a third of a shorter window
   */
  readonly stride?: number | undefined
  /** Of token classification. @default 'first' */
  readonly labelPieces?: 'first' | 'all' | undefined
  /** Of a masked model. @default 0.15 */
  readonly maskProbability?: number | undefined
  /** Of a masked model: whether pieces of a word are masked together. @default false */
  readonly wholeWord?: boolean | undefined
  /** Of sequence to sequence: put before each source. @default '' */
  readonly prefix?: string | undefined
  /** Of sequence to sequence. @default maxLength */
  readonly maxTargetLength?: number | undefined
  /**
   * Directory in which encoded rows are kept; the same rows, options and tokenizer are read from there the next time. It saves the
   * time of tokenizing, and the examples are no part of the heap. @default false: most data are tokenized in a moment
   */
  readonly cache?: string | false | undefined
  /** Called after each chunk of rows that is encoded. @default none */
  readonly onEncoding?: EncodingProgress | undefined
  /** Decides what is masked. */
  readonly seed?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What of a verb's options says how rows become tokens. */
export function encodingOf(options: EncodingOptions): EncodingOptions {
  const names = [...Object.keys(encodingOptions), 'seed', 'signal'] as (keyof EncodingOptions)[]
  return Object.fromEntries(names.map((name) => [name, options[name]]))
}

/** Options that only some tasks have. */
const tasksOf = {
  lossOn: ['causal-lm'],
  chatTemplate: ['causal-lm'],
  templateVariables: ['causal-lm'],
  labelPieces: ['token-classification'],
  stride: ['question-answering', 'causal-lm', 'sequence-classification', 'token-classification'],
  maskProbability: ['masked-lm'],
  wholeWord: ['masked-lm'],
  prefix: ['seq2seq-lm'],
  maxTargetLength: ['seq2seq-lm'],
} as const satisfies Partial<Record<keyof EncodingOptions, readonly Task[]>>

/** @throws AttuneError 'invalid-option' for an option of another task, or a stride that has no effect */
export function requireOwnOptions(options: EncodingOptions, task: Task): void {
  for (const [name, owners] of Object.entries(tasksOf) as [keyof typeof tasksOf, readonly Task[]][]) {
    if (owners.includes(task) || options[name] === undefined) continue
    const message = `options.${name} is for ${owners.join(' and ')}: the model was loaded for ${task}`
    throw new AttuneError('invalid-option', message, { where: `options.${name}` })
  }
  requireWindows(options, task)
}

const withoutWindows: readonly Task[] = ['seq2seq-lm', 'embedding']

/**
 * Windows and their stride fit the task; of a task that is not known, each other.
 * @throws AttuneError 'invalid-option'
 */
export function requireWindows(
  { truncation, stride, maxLength }: Pick<EncodingOptions, 'truncation' | 'stride' | 'maxLength'>,
  task: Task | undefined,
): void {
  const unfit =
    (truncation === 'split' && task !== 'masked-lm' && task !== undefined) ||
    (truncation === 'window' && task !== undefined && withoutWindows.includes(task))
  if (unfit) {
    const whose = truncation === 'split' ? 'is for masked-lm' : `is for all tasks but ${withoutWindows.join(' and ')}`
    throw new AttuneError('invalid-option', `options.truncation: '${truncation}' ${whose}`, {
      where: 'options.truncation',
    })
  }
  // Contexts to answer from are always cut into windows.
  const asked = task === 'question-answering' ? 'window' : truncation
  checkedStride({ truncation: asked, stride, maxLength }, 0)
}
