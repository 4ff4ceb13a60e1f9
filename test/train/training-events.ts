import { AttuneError } from '../../lib/errors.js'
import type { Model } from '../../lib/models/model.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { Trainer } from '../../lib/train/trainer.js'

/** The events of a run, which is aborted after step `stopAfter`. */
export async function trainingEvents(
  model: Model,
  options: TrainOptions,
  stopAfter = Infinity,
): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = []
  const controller = new AbortController()
  try {
    for await (const event of new Trainer(model, options).run({ signal: controller.signal })) {
      events.push(event)
      if (event.type === 'step' && event.step === stopAfter) controller.abort()
    }
  } catch (error) {
    const isAsked = error instanceof AttuneError && error.code === 'aborted' && controller.signal.aborted
    if (!isAsked) throw error
  }
  return events
}
