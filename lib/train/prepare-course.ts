import type { Model } from '../models/model.js'
import { prepareRun } from './plan.js'
import type { PreparedCourse } from './prepared-course.js'
import { requireMemory } from './require-memory.js'
import { isStreamed, type StreamTrainOptions } from './stream-options.js'
import { prepareStreamRun } from './stream-plan.js'
import type { TrainingOptionsWithData } from './train-options.js'

/** Makes a run ready, or refuses it, before it takes memory. */
export async function prepareCourse(
  model: Model,
  options: TrainingOptionsWithData | StreamTrainOptions,
  signal: AbortSignal | undefined,
): Promise<PreparedCourse> {
  const prepared = isStreamed(options)
    ? await prepareStreamRun(model, options, signal)
    : await prepareKnownRun(model, options, signal)
  // What is trained in this form answers in it, and is saved with it.
  if (options.chatTemplate !== undefined && model.directory !== undefined) {
    await model.setChatTemplate(options.chatTemplate)
  }
  return prepared
}

async function prepareKnownRun(
  model: Model,
  options: TrainingOptionsWithData,
  signal: AbortSignal | undefined,
): Promise<PreparedCourse> {
  const prepared = await prepareRun(model, options, signal)
  await requireMemory(model, prepared, options)
  return prepared
}
