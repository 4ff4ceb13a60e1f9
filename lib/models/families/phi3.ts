import { z } from 'zod'
import { activationNamed } from '../../nn/activation.js'
import { ropeFields, ropeOf } from '../../nn/rope.js'
import { decoderFields, headShape, paddingRow, probability, size } from './config-checks.js'
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
    const shape = headShape(c)
    const rope = ropeOf(c, shape.headDim, c.max_position_embeddings)
    return stackedDecoder({
      modelType: 'phi3',
      className: 'Phi3',
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
        // Hugging Face's model never applies embd_pdrop.
        residualDropout: dropout ?? c.resid_pdrop,
        fused: true,
        layer: () => ({ rope, window: c.sliding_window ?? undefined }),
      },
    })
  },
}
