import { z } from 'zod'
import type { OptionTable } from '../options.js'

/** Options of `inspectData` that are plain values, beside how data are read and drawn; its table for the command line. */
export const inspectOptions = {
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
  stride: {
    type: z.int().min(0),
    description: "Tokens that windows share, with truncation 'window' or of question answering; absent: as in training",
  },
  seed: {
    type: z.int().min(0),
    description: 'Decides which rows are taken for validation where splitSeed does not, as in training',
    default: 0,
  },
  show: {
    type: z.int().min(0),
    description: 'Examples to show as the model reads them, what is trained marked',
    default: 0,
  },
} satisfies OptionTable
