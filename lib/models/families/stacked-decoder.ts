/** What every family made of `decoderStack` has alike: what its configuration says, module names, heads, names in files. */
import { activationNamed } from '../../nn/activation.js'
import type { Rope } from '../../nn/rope.js'
import type { Backbone } from '../family.js'
import { headShape, paddingRow, type DecoderFields } from './config-checks.js'
import { decoderHeads } from './decoder-heads.js'
import { decoderStack, type DecoderStack } from './decoder-stack.js'

export interface StackedConfig extends DecoderFields {
  readonly hidden_act?: string | null | undefined
  readonly tie_word_embeddings: boolean
}

/** What the configuration says in fields that every family has. */
type Configured =
  | 'vocabularySize'
  | 'maxPositions'
  | 'hiddenSize'
  | 'intermediateSize'
  | 'layers'
  | 'heads'
  | 'kvHeads'
  | 'headDim'
  | 'eps'
  | 'paddingIndex'
  | 'attentionDropout'

export interface StackedDecoderOptions {
  readonly modelType: string
  /** Beginning of Hugging Face's class names: `Llama`. */
  readonly className: string
  /** In place of the configuration's probabilities. */
  readonly dropout: number | undefined
  /** Of the layers that `variant` says nothing of; its positions limit the texts. */
  readonly rope: Rope
  /** Of the vocabulary's logits. @default none */
  readonly softcap?: number | undefined
  /** What else differs from Llama. `activation`: in place of hidden_act. */
  readonly variant?: Partial<Omit<DecoderStack, Configured>>
}

export function stackedDecoder(c: StackedConfig, options: StackedDecoderOptions): Backbone {
  const { modelType, className, dropout, rope, softcap, variant } = options
  const stack: DecoderStack = {
    vocabularySize: c.vocab_size,
    maxPositions: rope.maxPositions,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    layers: c.num_hidden_layers,
    ...headShape(c),
    activation: variant?.activation ?? activationNamed(c.hidden_act ?? 'silu', 'hidden_act'),
    eps: c.rms_norm_eps,
    paddingIndex: paddingRow(c),
    attentionDropout: dropout ?? c.attention_dropout,
    layer: () => ({ rope }),
    ...variant,
  }
  return {
    modelType,
    kind: 'decoder',
    vocabularySize: stack.vocabularySize,
    maxPositions: stack.maxPositions,
    hiddenSize: stack.hiddenSize,
    initializerRange: c.initializer_range,
    embedding: 'model.embed_tokens',
    blocks: 'model.layers',
    blockCount: stack.layers,
    finalNorm: 'model.norm',
    fanInFanOut: false,
    padTokenId: stack.paddingIndex,
    hidden: (g) => decoderStack(g, stack),
    parameterOf,
    heads: decoderHeads({
      architectures: {
        'causal-lm': `${className}ForCausalLM`,
        'sequence-classification': `${className}ForSequenceClassification`,
        'token-classification': `${className}ForTokenClassification`,
        embedding: `${className}Model`,
      },
      tiedTo: c.tie_word_embeddings ? 'model.embed_tokens' : undefined,
      softcap,
      dropout,
    }),
    headTensors: /^(lm_head|score|qa_outputs)\./,
  }
}

/** Older files carry the rotary frequencies; some carry the decoder without its prefix. */
function parameterOf(tensor: string): string | undefined {
  if (tensor.endsWith('.rotary_emb.inv_freq')) return undefined
  return /^(embed_tokens|layers|norm)\./.test(tensor) ? `model.${tensor}` : tensor
}
