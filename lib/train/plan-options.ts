import { z } from 'zod'
import { settleOptions, type OptionTable } from '../options.js'
import type { TrainOptions } from './train-options.js'

/** Of `plan` alone, as the command line has them. */
export const planOptions = {
  measure: {
    type: z.boolean(),
    description: 'Takes some steps with a learning rate of 0 to estimate the time, and measures the model on some rows',
    default: true,
  },
} satisfies OptionTable

const measure = z.union([z.boolean(), z.number().positive()]).describe('true, false or a number of seconds')

export interface PlanOptions extends Omit<TrainOptions, 'train'> {
  /**
   * Takes some real steps with a learning rate of 0, and measures the model on some rows, to estimate the time and to say what
   * the model knows already. A number: seconds for that; a step that takes longer is taken all the same.
   * @default true, some 8 seconds
   */
  readonly measure?: boolean | number | undefined
  readonly signal?: AbortSignal | undefined
}

const usualBudget = 8

/** Seconds to measure for, 0 for not at all; and the options of the run. */
export function splitPlanOptions(options: PlanOptions): {
  budget: number
  signal: AbortSignal | undefined
  run: Omit<TrainOptions, 'train'>
} {
  const { measure: given, signal, ...run } = options
  const settled = settleOptions({ measure: { ...planOptions.measure, type: measure } }, { measure: given })
  const budget = settled.measure === true ? usualBudget : settled.measure === false ? 0 : settled.measure
  return { budget, signal, run }
}
