/** What every family made of `decoderStack` has alike: module names, heads, names in files. */
import { decoderHeads } from './decoder-heads.js'
import { decoderStack, type DecoderStack } from './decoder-stack.js'
import type { Backbone } from '../family.js'

export interface StackedDecoderOptions {
  readonly modelType: string
  /** Beginning of Hugging Face's class names: `Llama`. */
  readonly className: string
  readonly initializerRange: number
  /** Whether the head's matrix is the embedding's table. */
  readonly tied: boolean
  /** Of the vocabulary's logits. @default none */
  readonly softcap?: number | undefined
  /** Before the token classifier. @default 0.1 */
  readonly classifierDropout?: number | undefined
  readonly stack: DecoderStack
}

export function stackedDecoder(options: StackedDecoderOptions): Backbone {
  const { modelType, className, initializerRange, tied, softcap, classifierDropout, stack } = options
  return {
    modelType,
    kind: 'decoder',
    vocabularySize: stack.vocabularySize,
    maxPositions: stack.maxPositions,
    hiddenSize: stack.hiddenSize,
    initializerRange,
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
      tiedTo: tied ? 'model.embed_tokens' : undefined,
      softcap,
      dropout: classifierDropout,
    }),
    headTensors: /^(lm_head|score|qa_outputs)\./,
  }
}

/** Older files carry the rotary frequencies; some carry the decoder without its prefix. */
function parameterOf(tensor: string): string | undefined {
  if (tensor.endsWith('.rotary_emb.inv_freq')) return undefined
  return /^(embed_tokens|layers|norm)\./.test(tensor) ? `model.${tensor}` : tensor
}
