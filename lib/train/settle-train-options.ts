import type { TrainingData } from '../data/prepare-data.js'
import { RowStream } from '../data/row-stream.js'
import { AttuneError } from '../errors.js'
import { settleOptions } from '../options.js'
import { requireNoStreamOptions, settleStreamOptions, type StreamTrainOptions } from './stream-options.js'
import {
  trainOptions,
  type SettledTrainOptions,
  type TrainOptions,
  type TrainingOptionsWithData,
} from './train-options.js'

export function settleTrainOptions(options: TrainOptions & { readonly train: TrainingData }): TrainingOptionsWithData
export function settleTrainOptions(options: TrainOptions): TrainingOptionsWithData | StreamTrainOptions
export function settleTrainOptions(options: TrainOptions): TrainingOptionsWithData | StreamTrainOptions {
  const settled = settleOptions(trainOptions, options)
  const { train } = settled
  if (train === undefined)
    throw new AttuneError('invalid-option', 'options.train is missing: the rows to train on', {
      where: 'options.train',
    })
  if (settled.adapter !== undefined && settled.freeze !== undefined) {
    const message =
      'options.freeze goes with training the model itself: with an adapter all of the model stays as it is'
    throw new AttuneError('invalid-option', message, { where: 'options.freeze' })
  }
  if (settled.earlyStopping !== undefined && (settled.validation === undefined || settled.evaluateEvery === false)) {
    const message = 'options.earlyStopping needs options.validation and options.evaluateEvery'
    throw new AttuneError('invalid-option', message, { where: 'options.earlyStopping' })
  }
  if (settled.packing) {
    for (const other of ['batchTokens', 'groupByLength'] as const) {
      if (settled[other] === undefined || settled[other] === false) continue
      const message = `options.${other} has no use with options.packing, whose bins of maxLength tokens are alike already`
      throw new AttuneError('invalid-option', message, { where: `options.${other}` })
    }
  }
  const complete = { ...settled, batchSize: settled.batchSize ?? usualBatchSize(settled) }
  return train instanceof RowStream
    ? settleStreamOptions(complete, train, options)
    : { ...requireNoStreamOptions(complete), train }
}

function usualBatchSize({ packing, batchTokens }: SettledTrainOptions): number | undefined {
  if (packing) return 1
  return batchTokens === undefined ? 8 : undefined
}
