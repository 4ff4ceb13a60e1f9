import { z } from 'zod'
import { ropeFields, ropeOf } from '../../nn/rope.js'
import { decoderFields, headShape, size } from './config-checks.js'
import { readConfig, type ModelFamily } from '../family.js'
import { stackedDecoder } from './stacked-decoder.js'

const schema = z.looseObject({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  max_position_embeddings: size.default(2048),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(false),
  ...ropeFields,
})

/** Llama 1 to 3.3, SmolLM, TinyLlama and whatever else is stored as `llama`. */
export const llama: ModelFamily = {
  modelTypes: ['llama'],
  define(json, dropout) {
    const c = readConfig(schema, json)
    const rope = ropeOf(c, headShape(c).headDim, c.max_position_embeddings)
    return stackedDecoder(c, {
      modelType: 'llama',
      className: 'Llama',
      dropout,
      rope,
      variant: { qkvBias: c.attention_bias, outputBias: c.attention_bias, mlpBias: c.mlp_bias },
    })
  },
}
