import { z } from 'zod'
import { ropeFields, ropeOf } from '../../nn/rope.js'
import { decoderFields, headShape, probability, size } from './config-checks.js'
import { readConfig, type ModelFamily } from '../family.js'
import { stackedDecoder } from './stacked-decoder.js'

const schema = z.looseObject({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  max_position_embeddings: size.default(4096),
  resid_pdrop: probability.default(0),
  sliding_window: size.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  ...ropeFields,
})

/** Phi-3 and 4 (Abdin et al. 2024): Llama with q, k, v in one matrix and gate, up in another. */
export const phi3: ModelFamily = {
  modelTypes: ['phi3'],
  define(json, dropout) {
    const c = readConfig(schema, json)
    const rope = ropeOf(c, headShape(c).headDim, c.max_position_embeddings)
    const window = c.sliding_window ?? undefined
    return stackedDecoder(c, {
      modelType: 'phi3',
      className: 'Phi3',
      dropout,
      rope,
      variant: {
        // Hugging Face's model never applies embd_pdrop.
        residualDropout: dropout ?? c.resid_pdrop,
        fused: true,
        layer: () => ({ rope, window }),
      },
    })
  },
}
