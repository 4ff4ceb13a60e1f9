import { AttuneError } from '../errors.js'

/** What to do about a loss that is no number; other errors as they are. */
export function explainedLoss(error: unknown, step: number, savedStep: number): unknown {
  if (!(error instanceof AttuneError) || error.code !== 'nan-loss') return error
  const saved = savedStep === 0 ? '' : ` The checkpoint of step ${savedStep} is kept.`
  const message = `the loss of step ${step + 1} is not a number; the weights are those after step ${step}.${saved} Try a lower learningRate, more warmupSteps or a smaller maxGradNorm. (${error.message})`
  return new AttuneError('nan-loss', message, { where: `step ${step + 1}`, cause: error })
}
