import { z } from 'zod'
import { ropeFields, ropeOf } from '../../nn/rope.js'
import { decoderFields, headShape, size } from './config-checks.js'
import { readConfig, type ModelFamily } from '../family.js'
import { layerTypes, typesOfLayers } from './layer-types.js'
import { stackedDecoder } from './stacked-decoder.js'

const schema = z.looseObject({
  ...decoderFields,
  hidden_act: z.string().default('silu'),
  max_position_embeddings: size.default(32768),
  attention_bias: z.boolean().default(false),
  use_sliding_window: z.boolean().default(false),
  sliding_window: size.nullish().default(4096),
  max_window_layers: z.int().min(0).default(28),
  layer_types: layerTypes.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  ...ropeFields,
})

/** Qwen2 and 2.5: Llama with biases on q, k and v; Qwen3: without, but with queries and keys normed head by head. */
export const qwen: ModelFamily = {
  modelTypes: ['qwen2', 'qwen3'],
  define(json, dropout) {
    const c = readConfig(schema, json)
    const third = c.model_type === 'qwen3'
    const rope = ropeOf(c, headShape(c).headDim, c.max_position_embeddings)
    const window = c.use_sliding_window ? (c.sliding_window ?? undefined) : undefined
    const types = typesOfLayers(c.layer_types, c.num_hidden_layers, (i) =>
      window !== undefined && i >= c.max_window_layers ? 'sliding_attention' : 'full_attention',
    )
    return stackedDecoder(c, {
      modelType: third ? 'qwen3' : 'qwen2',
      className: third ? 'Qwen3' : 'Qwen2',
      dropout,
      rope,
      variant: {
        qkvBias: third ? c.attention_bias : true,
        outputBias: third && c.attention_bias,
        headNorms: third,
        layer: (i) => ({ rope, window: types[i] === 'sliding_attention' ? window : undefined }),
      },
    })
  },
}
