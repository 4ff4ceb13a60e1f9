import type { Model } from '../models/model.js'
import { AttuneError } from '../errors.js'
import type { TrainingEvent } from './events.js'
import { Run } from './run.js'
import { settleTrainOptions } from './settle-train-options.js'
import type { StreamTrainOptions } from './stream-options.js'
import type { SettledTrainOptions, TrainingOptionsWithData, TrainOptions } from './train-options.js'
import { logEvent } from './training-log.js'

export interface RunOptions {
  /** Ends the run after the step in progress; where there is an output directory a checkpoint is saved. */
  readonly signal?: AbortSignal | undefined
}

/** Trains a model, or an adapter on it, on rows. Options are checked here, rows and memory when `run` begins. */
export class Trainer {
  readonly options: SettledTrainOptions
  readonly #model: Model
  readonly #settled: TrainingOptionsWithData | StreamTrainOptions
  #started = false

  constructor(model: Model, options: TrainOptions) {
    this.#model = model
    this.#settled = settleTrainOptions(options)
    this.options = this.#settled
  }

  /**
   * Trains, and reports what happens: 'start' first, 'done' last. Leaving the loop early ends the run without saving.
   * @throws AttuneError 'aborted' when the signal says so, after saving: `where` is the checkpoint to resume from and
   * `cause` the signal's reason; 'nan-loss', with the weights as before that step; and what refuses to start:
   * 'empty-dataset', 'all-labels-masked', 'sequence-too-long', 'invalid-checkpoint', …
   */
  async *run({ signal }: RunOptions = {}): AsyncGenerator<TrainingEvent, void, void> {
    if (this.#started)
      throw new AttuneError('invalid-option', 'a Trainer runs once: make another for another run', { where: 'trainer' })
    this.#started = true
    if (signal?.aborted === true)
      throw new AttuneError('aborted', 'training was aborted before it began', { cause: signal.reason })
    const run = await Run.prepare(this.#model, this.#settled, signal)
    const { output } = this.#settled
    try {
      for await (const event of run.events()) {
        if (output !== undefined) await logEvent(output, event)
        yield event
      }
    } finally {
      run.dispose()
    }
  }
}
