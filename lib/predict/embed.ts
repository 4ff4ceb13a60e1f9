import type { Model } from '../models/model.js'
import { settleOptions, type OptionTable, type Settled } from '../options.js'
import { cutOptions, runOptions, type CutOptions, type RunOptions } from './predict-options.js'
import type { Source } from './predict-rows.js'
import { wholeTexts } from './prepare-texts.js'
import { predictList, predictStream, type VerbOf } from './verb.js'

export const embedOptions = { ...cutOptions, ...runOptions } satisfies OptionTable

/** See `embedOptions` for each option's meaning and default. */
export interface EmbedOptions extends CutOptions, RunOptions {}

export const embedVerb: VerbOf<string, Float32Array, Settled<typeof embedOptions>> = {
  name: 'embed',
  task: 'embedding',
  make: (context, options) => wholeTexts(context, options, (embedding) => embedding),
}

/**
 * The embedding of each text, pooled and scaled as the model's definition says, in the order given.
 * @throws AttuneError 'unsupported-task' (of another model), 'invalid-input' (an empty text), 'sequence-too-long', naming the
 * text; 'invalid-option', 'aborted'
 */
export async function embed(
  model: Model,
  texts: readonly string[],
  options: EmbedOptions = {},
): Promise<Float32Array[]> {
  return predictList(embedVerb, model, texts, settleOptions(embedOptions, options))
}

/** `embed` over a stream, of which only a window is held at a time. */
export function embedStream(
  model: Model,
  texts: Source<string>,
  options: EmbedOptions = {},
): AsyncGenerator<Float32Array, void, void> {
  return predictStream(embedVerb, model, texts, settleOptions(embedOptions, options))
}
