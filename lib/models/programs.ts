/** The programs of one model, compiled when first asked for and dropped when what they were made from changes. */
import { GraphBuilder, type GraphMode, type LowRank } from '../graph/builder.js'
import type { NativeProgram, NativeSession } from '../native.js'
import { askedRows, causalLoss, logits, type HeadOptions } from '../nn/causal-lm-head.js'
import type { ModelDefinition } from './family.js'

export type Adapters = ReadonlyMap<string, LowRank>

export class Programs {
  readonly #compiled = new Map<string, NativeProgram>()

  constructor(
    private readonly session: NativeSession,
    private readonly definition: ModelDefinition,
    private readonly dtype: 'f32' | 'bf16',
  ) {}

  /** Loss and gradients of what is trainable, with dropout. Outputs `loss`. */
  training(adapters: Adapters, labelSmoothing: number): NativeProgram {
    return this.#program(`training ${labelSmoothing}`, () => {
      const g = lossGraph(this.definition, { dtype: this.dtype, mode: 'train', adapters, labelSmoothing })
      return this.session.compile(g.graph, { loss: 'loss' })
    })
  }

  /** Outputs `loss`, `row_loss` and `prediction`. */
  evaluation(adapters: Adapters): NativeProgram {
    return this.#program('evaluation', () => {
      const g = lossGraph(this.definition, { dtype: this.dtype, mode: 'evaluate', adapters, labelSmoothing: 0 })
      return this.session.compile(g.graph)
    })
  }

  /** Outputs `logits` of every token. */
  forward(adapters: Adapters): NativeProgram {
    return this.#program('forward', () =>
      this.session.compile(forwardGraph(this.definition, this.dtype, adapters).graph),
    )
  }

  /** Outputs `logits` of the tokens in `rows`; keeps keys and values. Not shared: the caller disposes it. */
  decoding(adapters: Adapters, cache: { slots: number; capacity: number }): NativeProgram {
    const g = GraphBuilder.create({ dtype: this.dtype, mode: 'decode', adapters, cache })
    const head = headOptions(this.definition)
    g.output('logits', logits(g, askedRows(g, this.definition.hidden(g), head), head))
    return this.session.compile(g.graph)
  }

  dispose(): void {
    for (const program of this.#compiled.values()) program.dispose()
    this.#compiled.clear()
  }

  #program(key: string, compile: () => NativeProgram): NativeProgram {
    let program = this.#compiled.get(key)
    if (program === undefined) {
      program = compile()
      this.#compiled.set(key, program)
    }
    return program
  }
}

/** Logits of every token, without dropout. Names every parameter and module of the model. */
export function forwardGraph(definition: ModelDefinition, dtype: 'f32' | 'bf16', adapters: Adapters): GraphBuilder {
  const g = GraphBuilder.create({ dtype, mode: 'evaluate', adapters })
  g.output('logits', logits(g, definition.hidden(g), headOptions(definition)))
  return g
}

function lossGraph(
  definition: ModelDefinition,
  options: { dtype: 'f32' | 'bf16'; mode: GraphMode; adapters: Adapters; labelSmoothing: number },
): GraphBuilder {
  const g = GraphBuilder.create(options)
  const { labelSmoothing } = options
  const { loss, rowLoss, prediction } = causalLoss(g, definition.hidden(g), {
    ...headOptions(definition),
    labelSmoothing,
  })
  g.output('loss', loss)
  if (options.mode === 'evaluate') {
    g.output('row_loss', rowLoss)
    g.output('prediction', prediction)
  }
  return g
}

function headOptions(definition: ModelDefinition): HeadOptions {
  const { vocabularySize: vocabulary, head, tied, embedding } = definition
  return { vocabulary, head, tiedTo: tied ? embedding : undefined }
}
