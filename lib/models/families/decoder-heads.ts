/** The heads of decoders, as Hugging Face's classes have them: all but their names is alike. */
import { linear } from '../../nn/linear.js'
import type { Backbone, Head } from '../family.js'
import { tokenHead } from './label-heads.js'
import type { Task } from '../../task.js'

export interface DecoderHeadOptions {
  /** Class names by task; a task that is not here has no class. */
  readonly architectures: Readonly<Partial<Record<Task, string>>>
  /** Module path of the vocabulary's matrix. @default 'lm_head' */
  readonly module?: string
  /** Module path of the embedding whose table is the head's matrix. */
  readonly tiedTo: string | undefined
  /** Module of the token classifier. @default 'score' */
  readonly tokenModule?: string
  /** Before the token classifier. @default 0.1 */
  readonly dropout?: number | undefined
  /** Of the vocabulary's logits. @default none */
  readonly softcap?: number | undefined
}

export function decoderHeads(options: DecoderHeadOptions): Backbone['heads'] {
  const { architectures, module = 'lm_head', tiedTo, tokenModule = 'score', dropout = 0.1, softcap } = options
  const made: Partial<Record<Task, (architecture: string) => Head>> = {
    'causal-lm': (architecture) => ({
      kind: 'vocabulary',
      architecture,
      module,
      tiedTo,
      softcap,
      modules: [tiedTo ?? module],
    }),
    'sequence-classification': (architecture) => ({
      kind: 'labels',
      architecture,
      reads: 'last',
      modules: ['score'],
      logits: (g, x, outputs) => linear(g.in('score'), x, { outputs, bias: false }),
    }),
    'token-classification': (architecture) => tokenHead(architecture, tokenModule, dropout),
    'question-answering': (architecture) => tokenHead(architecture, 'qa_outputs', 0),
    embedding: (architecture) => ({ kind: 'embedding', architecture, pooling: 'last', modules: [] }),
  }
  return Object.fromEntries(
    Object.entries(made).flatMap(([task, make]) => {
      const architecture = architectures[task as Task]
      return architecture === undefined ? [] : [[task, make(architecture)]]
    }),
  )
}
