import { generateBatch } from '../generate/generate.js'
import type { GenerateOptions } from '../generate/generate-options.js'
import type { Model } from '../models/model.js'
import { textOfPrompt, type PromptedRow } from './prompts.js'
import type { TextsRow } from './tasks/texts.js'

export interface WritingOptions {
  readonly generation: GenerateOptions
  readonly onRow?: ((done: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What the model writes to each prompt, in order; some prompts at a time, so that nothing but texts is held. */
export async function* writtenTexts(
  model: Model,
  rows: readonly PromptedRow[],
  { generation, onRow, signal }: WritingOptions,
): AsyncGenerator<TextsRow, void, void> {
  // Several batches in one go: a slot that falls free is filled at once.
  const chunk = 4 * (generation.batchSize ?? 8)
  for (let start = 0; start < rows.length; start += chunk) {
    const prompted = rows.slice(start, start + chunk)
    const prompts = prompted.map(({ prompt }) => prompt)
    const written = await generateBatch(model, prompts, { ...generation, signal })
    for (const [i, { prompt, reference }] of prompted.entries()) {
      const prediction = written[i]?.text ?? ''
      yield { lossSum: NaN, weight: 1, prompt: textOfPrompt(prompt), prediction, reference }
    }
    onRow?.(Math.min(start + chunk, rows.length))
  }
}
