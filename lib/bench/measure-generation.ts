import { median } from 'd3-array'
import { decode } from '../generate/decode-loop.js'
import { settleGenerateOptions } from '../generate/generate-options.js'
import type { Model } from '../models/model.js'
import type { MeasuredGeneration } from './bench-result.js'

export interface GenerationWork {
  /** Token ids, all of the same length: of an encoder-decoder the sources. */
  readonly prompts: readonly (readonly number[])[]
  /** At least 2. */
  readonly newTokens: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Has a language model write so many tokens after each prompt, all at once, the likeliest always, with nothing that ends an
 * answer. Tokens are not turned into text.
 * @param times how often that is done; rates are by the medians of the times
 */
export async function measureGeneration(
  model: Model,
  { prompts, newTokens, signal }: GenerationWork,
  times = 1,
): Promise<MeasuredGeneration> {
  const { decoderStartTokenId: start } = model.definition
  const begun = start === undefined ? prompts : prompts.map(() => [start])
  const [promptTokens, begunTokens] = [prompts, begun].map((rows) => rows[0]?.length ?? 0) as [number, number]
  const sequences = prompts.length
  const decoder = model.decoder({
    slots: sequences,
    capacity: begunTokens + newTokens,
    ...(start === undefined ? {} : { encoderCapacity: promptTokens }),
  })
  const sources = start === undefined ? undefined : prompts
  const options = { ...settleGenerateOptions({ maxNewTokens: newTokens }), stopTokenIds: new Set<number>() }
  const reading: number[] = []
  const writing: number[] = []
  try {
    for (let i = 0; i < times; i++) {
      const begin = performance.now()
      let first = begin
      // All prompts are read together: the last first token ends that.
      for await (const { index } of decode(decoder, begun, { ...options, sources, signal })) {
        if (index === 0) first = performance.now()
      }
      reading.push((first - begin) / 1000)
      writing.push((performance.now() - first) / 1000)
    }
  } finally {
    decoder.dispose()
  }
  return {
    sequences,
    promptTokens,
    newTokens,
    promptTokensPerSecond: (sequences * promptTokens) / (median(reading) ?? NaN),
    tokensPerSecond: (sequences * (newTokens - 1)) / (median(writing) ?? NaN),
  }
}
