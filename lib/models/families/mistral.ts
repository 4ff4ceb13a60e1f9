import { z } from 'zod'
import { activationNamed } from '../../nn/activation.js'
import { ropeFields, ropeOf } from '../../nn/rope.js'
import { decoderFields, headShape, paddingRow, size } from './config-checks.js'
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
    const shape = headShape(c)
    const rope = ropeOf(c, shape.headDim, c.max_position_embeddings)
    return stackedDecoder({
      modelType: 'mistral',
      className: 'Mistral',
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
        attentionDropout: dropout ?? c.attention_dropout,
        layer: () => ({ rope, window: c.sliding_window ?? undefined }),
      },
    })
  },
}
