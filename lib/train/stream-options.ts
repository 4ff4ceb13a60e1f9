/** Options of a run on a stream: what it needs, and what goes only with rows that are all known. */
import { RowStream } from '../data/row-stream.js'
import { AttuneError } from '../errors.js'
import type { SettledTrainOptions, TrainOptions } from './train-options.js'

export type StreamTrainOptions = SettledTrainOptions & {
  readonly train: RowStream
  readonly maxSteps: number
  readonly shuffleBuffer: number
}

export function isStreamed(options: SettledTrainOptions): options is StreamTrainOptions {
  return options.train instanceof RowStream
}

/** Some thousand rows mix well what stands together in a file, and are some megabytes. */
const usualBuffer = 4096

/** @throws AttuneError 'invalid-option' for an option that does not go with a stream */
export function settleStreamOptions(
  options: SettledTrainOptions,
  train: RowStream,
  given: TrainOptions,
): StreamTrainOptions {
  const { maxSteps } = options
  if (given.epochs !== undefined) throw refused('epochs', `has no use with a stream: ${lengthUnknown}`)
  if (maxSteps === undefined) throw refused('maxSteps', `is missing: ${lengthUnknown}`)
  if (options.groupByLength)
    throw refused('groupByLength', 'sorts rows that are all known, which those of a stream are not')
  if (options.packing)
    throw refused('packing', 'takes its pick of all rows, which are not known of a stream; batchTokens fills batches')
  if (typeof options.cache === 'string')
    throw refused('cache', 'has no use with a stream, whose rows are encoded as they come')
  if (options.unfreeze?.every === 'epoch')
    throw refused('unfreeze.every', `should be a number of steps with a stream: ${lengthUnknown}`)
  for (const name of ['classWeights', 'positiveWeights'] as const) {
    if (options[name] === 'balanced')
      throw refused(name, "'balanced' counts the rows, which a stream does not let one do: give the weights")
  }
  return { ...options, train, maxSteps, shuffleBuffer: options.shuffleBuffer ?? usualBuffer }
}

/** @throws AttuneError 'invalid-option' for an option that only goes with a stream */
export function requireNoStreamOptions<Options extends SettledTrainOptions>(options: Options): Options {
  if (options.shuffleBuffer === undefined) return options
  throw refused('shuffleBuffer', 'is for streams: rows that are all known are shuffled as a whole')
}

const lengthUnknown = 'how many rows a stream has shows only at its end, so the length of the run is given by maxSteps'

function refused(name: string, what: string): AttuneError {
  return new AttuneError('invalid-option', `options.${name} ${what}`, { where: `options.${name}` })
}
