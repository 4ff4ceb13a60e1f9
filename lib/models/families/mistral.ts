import { z } from 'zod'
import { ropeFields, ropeOf } from '../../nn/rope.js'
import { decoderFields, headShape, size } from './config-checks.js'
import { readConfig, type ModelFamily } from '../family.js'
import { stackedDecoder } from './stacked-decoder.js'

const schema = z.looseObject({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  max_position_embeddings: size.default(4096 * 32),
  sliding_window: size.nullish().default(4096),
  tie_word_embeddings: z.boolean().default(false),
  ...ropeFields,
})

/** Mistral (Jiang et al. 2023): Llama with grouped heads and a sliding window in every layer. */
export const mistral: ModelFamily = {
  modelTypes: ['mistral'],
  define(json, dropout) {
    const c = readConfig(schema, json)
    const rope = ropeOf(c, headShape(c).headDim, c.max_position_embeddings)
    const window = c.sliding_window ?? undefined
    const variant = { layer: () => ({ rope, window }) }
    return stackedDecoder(c, { modelType: 'mistral', className: 'Mistral', dropout, rope, variant })
  },
}
