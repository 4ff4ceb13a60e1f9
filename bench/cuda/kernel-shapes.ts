/** Sizes of the models whose kernels are timed, at the tokens of one step. */

export interface KernelShapes {
  readonly model: string
  /** Segments of a batch, and tokens of each. */
  readonly rows: number
  readonly length: number
  readonly hidden: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly intermediate: number
  readonly vocabulary: number
  readonly norm: 'layer_norm' | 'rms_norm'
  readonly activation: 'gelu_new' | 'gelu' | 'relu' | 'silu'
  /** Whether the activation of one product gates another. */
  readonly gated: boolean
  readonly causal: boolean
  /** Whether one product makes queries, keys and values. */
  readonly packed: boolean
  readonly rotary: boolean
  /** T5's bias by distance. */
  readonly relative: boolean
  readonly rank: number
}

const plain = { gated: false, packed: false, rotary: false, relative: false, rank: 16 }
const gpt2: KernelShapes = {
  ...plain,
  ...{ model: 'GPT-2 124M', rows: 8, length: 1024, hidden: 768, heads: 12, kvHeads: 12, headDim: 64 },
  ...{ intermediate: 3072, vocabulary: 50257, norm: 'layer_norm', activation: 'gelu_new', causal: true, packed: true },
}
const llama1b: KernelShapes = {
  ...plain,
  ...{ model: 'Llama 1B', rows: 4, length: 2048, hidden: 2048, heads: 32, kvHeads: 8, headDim: 64 },
  ...{ intermediate: 8192, vocabulary: 128256, norm: 'rms_norm', activation: 'silu', causal: true },
  ...{ gated: true, rotary: true },
}
const llama8b: KernelShapes = {
  ...llama1b,
  ...{ model: 'Llama 8B', rows: 2, hidden: 4096, headDim: 128, intermediate: 14336 },
}
const bert: KernelShapes = {
  ...gpt2,
  ...{ model: 'BERT-base', rows: 32, length: 256, vocabulary: 30522, activation: 'gelu', causal: false, packed: false },
}
const t5: KernelShapes = {
  ...bert,
  ...{
    model: 'T5-base',
    rows: 16,
    length: 512,
    vocabulary: 32128,
    norm: 'rms_norm',
    activation: 'relu',
    relative: true,
  },
}

export const modelShapes: readonly KernelShapes[] = [gpt2, llama1b, llama8b, bert, t5]

/** The same structure, small enough for an emulator. */
export function smallShapes(shapes: KernelShapes): KernelShapes {
  const { heads, kvHeads } = shapes
  return {
    ...shapes,
    ...{ rows: 2, length: 5, hidden: 32, heads: 2, kvHeads: heads === kvHeads ? 2 : 1, headDim: 16 },
    ...{ intermediate: 48, vocabulary: 67, rank: 2 },
  }
}
