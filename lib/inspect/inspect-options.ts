import { z } from 'zod'
import type { OptionTable } from '../options.js'

const text = z.string().min(1)

/** Options of `inspectData` that are plain values; its table for the command line. */
export const inspectOptions = {
  shape: { type: text, description: "What the rows are, as 'messages' or 'text-label'; absent: as their fields show" },
  fields: {
    type: z.record(text, text).describe('an object such as {"label":"category"}'),
    description: 'What the rows call a field, by its usual name',
    flag: 'json',
  },
  format: { type: text, description: 'How the files are written; absent: as they look' },
  sourceLanguage: { type: text, description: 'Of translations: which language is the source' },
  targetLanguage: { type: text, description: 'Of translations: which language is the target' },
  maxLength: { type: z.int().min(2), description: 'Tokens of a row at most; absent: what the model takes' },
  truncation: {
    type: z.enum(['error', 'tail', 'head', 'skip', 'split', 'window']),
    description: 'What is to happen to longer rows',
    default: 'error' as const,
  },
  maxTargetLength: { type: z.int().min(2), description: 'Tokens of a target at most; absent: maxLength' },
  lossOn: {
    type: z.enum(['all', 'completion', 'assistant', 'last-assistant']),
    description:
      'Which tokens carry the loss of a causal model; absent: completions, assistant turns, or all of a plain text',
  },
  stride: { type: z.int().min(0), description: 'Of question answering: tokens that windows share; absent: 128' },
  seed: {
    type: z.int().min(0),
    description: 'Decides which rows are taken for validation, as in training',
    default: 0,
  },
  show: {
    type: z.int().min(0),
    description: 'Examples to show as the model reads them, what is trained marked',
    default: 0,
  },
} satisfies OptionTable
