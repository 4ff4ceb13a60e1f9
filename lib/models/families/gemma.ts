import { z } from 'zod'
import { activationNamed } from '../../nn/activation.js'
import { ropeFields, ropeOf, ropeParameters, type Rope } from '../../nn/rope.js'
import { decoderFields, headShape, refuse, size } from './config-checks.js'
import { readConfig, type ModelFamily } from '../family.js'
import { layerTypes, typesOfLayers } from './layer-types.js'
import { stackedDecoder } from './stacked-decoder.js'

const schema = z.looseObject({
  ...decoderFields,
  head_dim: size.default(256),
  hidden_act: z.string().nullish(),
  hidden_activation: z.string().nullish(),
  max_position_embeddings: size.default(8192),
  attention_bias: z.boolean().default(false),
  query_pre_attn_scalar: z.number().positive().default(256),
  attn_logit_softcapping: z.number().positive().nullish(),
  final_logit_softcapping: z.number().positive().nullish(),
  sliding_window: size.nullish().default(4096),
  /** Gemma 3: every so many layers one sees everything. */
  sliding_window_pattern: size.nullish(),
  _sliding_window_pattern: size.nullish(),
  layer_types: layerTypes.nullish(),
  /** Gemma 3, older configurations: the base of the layers with a window. */
  rope_local_base_freq: z.number().positive().default(10000),
  tie_word_embeddings: z.boolean().default(true),
  ...ropeFields,
  rope_parameters: z
    .union([z.strictObject({ full_attention: ropeParameters, sliding_attention: ropeParameters }), ropeParameters])
    .nullish(),
})

type GemmaConfig = z.output<typeof schema>

/**
 * Gemma 1, 2 and 3 (text): Llama with norms that multiply by 1 + weight and embeddings scaled by √hidden_size. The second
 * norms what each layer adds, caps scores and logits and gives every other layer a window; the third norms queries and
 * keys in place of capping.
 */
export const gemma: ModelFamily = {
  modelTypes: ['gemma', 'gemma2', 'gemma3_text'],
  define(json, dropout) {
    const c = readConfig(schema, json)
    refuse(c, 'use_bidirectional_attention')
    const generation = c.model_type === 'gemma' ? 1 : c.model_type === 'gemma2' ? 2 : 3
    const { headDim } = headShape(c)
    const types = typesOfLayers(c.layer_types, c.num_hidden_layers, (i) => {
      const pattern = generation === 2 ? 2 : (c.sliding_window_pattern ?? c._sliding_window_pattern ?? 6)
      return generation > 1 && (i + 1) % pattern !== 0 ? 'sliding_attention' : 'full_attention'
    })
    const ropes = {
      full_attention: turns(c, 'full_attention', headDim),
      sliding_attention: turns(c, 'sliding_attention', headDim),
    }
    const window = { full_attention: undefined, sliding_attention: c.sliding_window ?? undefined }
    const activation = c.hidden_activation ?? (generation === 1 ? undefined : c.hidden_act) ?? 'gelu_pytorch_tanh'
    return stackedDecoder(c, {
      modelType: String(c.model_type),
      className: generation === 1 ? 'Gemma' : `Gemma${generation}`,
      dropout,
      rope: ropes.full_attention,
      softcap: c.final_logit_softcapping ?? undefined,
      variant: {
        activation: activationNamed(activation, 'hidden_activation'),
        qkvBias: c.attention_bias,
        outputBias: c.attention_bias,
        scale: 1 / Math.sqrt(generation === 1 ? headDim : c.query_pre_attn_scalar),
        softcap: generation === 1 ? undefined : (c.attn_logit_softcapping ?? undefined),
        embeddingScale: Math.sqrt(c.hidden_size),
        normOffset: 1,
        headNorms: generation === 3,
        postNorms: generation > 1,
        layer(i) {
          const type = types[i] ?? 'full_attention'
          return { rope: ropes[type], window: window[type] }
        },
      },
    })
  },
}

/** Gemma 3 turns the layers with a window by another base, and never stretches them. */
function turns(c: GemmaConfig, type: 'full_attention' | 'sliding_attention', headDim: number): Rope {
  const { rope_parameters: stored, ...rest } = c
  const byType = stored !== null && stored !== undefined && 'full_attention' in stored ? stored : undefined
  const plain = byType === undefined ? (stored as z.output<typeof ropeParameters> | null | undefined) : undefined
  const local = c.model_type === 'gemma3_text' && type === 'sliding_attention'
  const rope =
    byType !== undefined
      ? { rope_parameters: byType[type] as z.output<typeof ropeParameters> }
      : local
        ? { rope_theta: c.rope_local_base_freq }
        : {
            ...rest,
            rope_parameters: plain,
            ...(c.model_type === 'gemma3_text' ? { rope_theta: c.rope_theta ?? 1e6 } : {}),
          }
  return ropeOf(rope, headDim, c.max_position_embeddings)
}
