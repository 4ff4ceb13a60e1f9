import { z } from 'zod'
import type { OptionTable } from '../options.js'

const count = z.int().min(1)
const every = z.union([z.literal('epoch'), z.literal(false), count])

const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}

function readBytes(text: string, context: z.core.$RefinementCtx): number {
  const [, amount = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*$/i.exec(text) ?? []
  const factor = units[unit.toLowerCase()]
  if (amount !== '' && factor !== undefined) return Math.floor(Number(amount) * factor)
  context.addIssue({ code: 'custom', message: 'no size' })
  return z.NEVER
}

/** What happens along a run: measuring, stopping, saving. */
export const courseOptions = {
  evaluateEvery: {
    type: every.describe("'epoch', a number of steps, or false"),
    description: 'When the validation rows are measured',
    default: 'epoch' as const,
  },
  metrics: {
    type: z
      .union([z.string().transform((name) => [name]), z.array(z.string()).min(1)])
      .describe('a metric or a list of metrics'),
    description: "What is measured on the validation rows, beside the loss; absent: the task's usual metrics",
  },
  metricForBest: {
    type: z.string().min(1),
    description: 'What decides the best state on the validation rows; less is better of losses and errors, more else',
    default: 'loss',
  },
  loadBest: {
    type: z.boolean(),
    description: 'At the end the state with the best validation result is put back',
    default: true,
  },
  earlyStopping: {
    type: z
      .strictObject({
        patience: count.default(3),
        minDelta: z.number().min(0).default(0),
        metric: z.string().min(1).optional(),
      })
      .describe('{ patience: evaluations, minDelta: least improvement, metric: name }'),
    description: 'Stops after this many evaluations without improvement of a metric (metricForBest); absent: never',
  },
  checkpointEvery: {
    type: every.describe("'epoch', a number of steps, or false"),
    description: 'When a checkpoint is saved, where there is an output directory; an aborted run saves one always',
    default: 'epoch' as const,
  },
  keepCheckpoints: { type: count, description: 'The newest checkpoints that stay', default: 2 },
  output: {
    type: z.string().min(1),
    description: 'Directory for the result, checkpoints and log; absent: nothing is saved',
  },
  memory: {
    type: z
      .union([z.number().positive(), z.string().transform(readBytes)])
      .describe("a number of bytes, or a size such as '6GiB' or '800MB'"),
    description: 'Most memory that the process may have: a run that needs more is refused; absent: what is free',
    flag: 'size',
  },
  resume: {
    type: z
      .union([z.literal('auto'), z.literal(false), z.string().min(1)])
      .describe("'auto', false or a checkpoint's directory"),
    description: "Goes on from a checkpoint: 'auto' takes the newest in the output directory, where there is one",
    default: false as const,
  },
} satisfies OptionTable

export interface EarlyStopping {
  /** Evaluations without an improvement. @default 3 */
  readonly patience?: number | undefined
  /** Least improvement. @default 0 */
  readonly minDelta?: number | undefined
  /** @default metricForBest */
  readonly metric?: string | undefined
}

export interface CourseOptions {
  /** 'epoch' or a number of steps. @default 'epoch' */
  readonly evaluateEvery?: 'epoch' | false | number | undefined
  /** What is measured on the validation rows, beside the loss. @default the task's usual metrics */
  readonly metrics?: string | readonly string[] | undefined
  /** Decides the best state on the validation rows: the least of losses and errors, the most of all else. @default 'loss' */
  readonly metricForBest?: string | undefined
  /** Puts the state with the best validation result back at the end. @default true */
  readonly loadBest?: boolean | undefined
  /** @default never */
  readonly earlyStopping?: EarlyStopping | undefined
  /** 'epoch' or a number of steps. @default 'epoch' */
  readonly checkpointEvery?: 'epoch' | false | number | undefined
  /** @default 2 */
  readonly keepCheckpoints?: number | undefined
  /** Most memory that the process may have, in bytes or such as '6GiB': a run that needs more is refused. @default what is free */
  readonly memory?: number | string | undefined
  /** Directory. @default nothing is saved */
  readonly output?: string | undefined
  /** @default false */
  readonly resume?: 'auto' | false | string | undefined
}
