import { z } from 'zod'
import { signalOption } from '../abort.js'
import type { OptionTable } from '../options.js'

export const benchOptions = {
  batchSize: {
    type: z.int().min(1),
    description: 'Rows of a step; of embeddings pairs of texts',
    default: 4,
  },
  maxLength: {
    type: z.int().min(2),
    description: 'Tokens of a row; cut to what the model can take',
    default: 256,
  },
  maxTargetLength: {
    type: z.int().min(1),
    description: 'Of sequence to sequence: tokens of a target; absent: maxLength',
  },
  steps: {
    type: z.int().min(1),
    description: 'Steps that are timed, and so many passes of an evaluation and generations',
    default: 5,
  },
  warmup: { type: z.int().min(0), description: 'Steps before those, which are not timed', default: 2 },
  maxNewTokens: {
    type: z.int().min(2),
    description: 'Tokens that a language model writes; cut to half of what the model can take',
    default: 32,
  },
  profile: {
    type: z.boolean(),
    description: "Takes the steps once more with every kernel's run recorded: what took how long, by op",
    default: false,
  },
  signal: signalOption,
} satisfies OptionTable

/** See `benchOptions` for each option's meaning and default. */
export interface BenchOptions {
  /** Rows of a step; of embeddings pairs of texts. @default 4 */
  readonly batchSize?: number | undefined
  /** Tokens of a row; cut to what the model can take. @default 256 */
  readonly maxLength?: number | undefined
  /** Of sequence to sequence: tokens of a target. @default maxLength */
  readonly maxTargetLength?: number | undefined
  /** Steps that are timed, and so many passes of an evaluation and generations. @default 5 */
  readonly steps?: number | undefined
  /** Steps before those, which are not timed. @default 2 */
  readonly warmup?: number | undefined
  /** Tokens that a language model writes; cut to half of what the model can take. @default 32 */
  readonly maxNewTokens?: number | undefined
  /** Takes the steps once more with every kernel's run recorded. @default false */
  readonly profile?: boolean | undefined
  /** Stops the work between two steps. */
  readonly signal?: AbortSignal | undefined
}
