import { z } from 'zod'
import { activationNamed } from '../../nn/activation.js'
import { ropeFields, ropeOf } from '../../nn/rope.js'
import { decoderFields, headShape, paddingRow, size } from './config-checks.js'
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
    const shape = headShape(c)
    const rope = ropeOf(c, shape.headDim, c.max_position_embeddings)
    return stackedDecoder({
      modelType: 'llama',
      className: 'Llama',
      initializerRange: c.initializer_range,
      tied: c.tie_word_embeddings,
      classifierDropout: dropout,
      stack: {
        vocabularySize: c.vocab_size,
        maxPositions: rope.maxPositions,
        hiddenSize: c.hidden_size,
        intermediateSize: c.intermediate_size,
        layers: c.num_hidden_layers,
        ...shape,
        activation: activationNamed(c.hidden_act, 'hidden_act'),
        eps: c.rms_norm_eps,
        paddingIndex: paddingRow(c),
        qkvBias: c.attention_bias,
        outputBias: c.attention_bias,
        mlpBias: c.mlp_bias,
        attentionDropout: dropout ?? c.attention_dropout,
        layer: () => ({ rope }),
      },
    })
  },
}
