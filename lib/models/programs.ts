/** The programs of one model, compiled when first asked for and dropped when what they were made from changes. */
import { GraphBuilder, type AdapterGraph, type Cache, type GraphMode } from '../graph/builder.js'
import * as ops from '../graph/ops.js'
import type { NativeProgram, NativeSession } from '../native.js'
import { askedRows, samplingInputs } from '../nn/inputs.js'
import type { ModelDefinition } from './family.js'
import type { LossOptions } from './task.js'
import { taskGraph } from './tasks/index.js'

export class Programs {
  readonly #compiled = new Map<string, NativeProgram>()

  constructor(
    private readonly session: NativeSession,
    private readonly definition: ModelDefinition,
    private readonly dtype: 'f32' | 'bf16',
  ) {}

  /** Loss and gradients of what is trainable, with dropout. Outputs `loss`. */
  training(adapter: AdapterGraph | undefined, loss: LossOptions): NativeProgram {
    return this.#program(lossKey('training', loss), () => {
      const g = lossGraph(this.definition, { dtype: this.dtype, mode: 'train', adapter }, loss)
      return this.session.compile(g.graph, { loss: 'loss', gradientCheckpointing: loss.gradientCheckpointing })
    })
  }

  /** Outputs `loss`, `row_loss`, and `prediction` or `logits`. */
  evaluation(adapter: AdapterGraph | undefined, loss: LossOptions): NativeProgram {
    return this.#program(lossKey('evaluation', loss), () => {
      const g = lossGraph(this.definition, { dtype: this.dtype, mode: 'evaluate', adapter }, loss)
      return this.session.compile(g.graph)
    })
  }

  /** Outputs `logits` of every token, or of every text. */
  forward(adapter: AdapterGraph | undefined): NativeProgram {
    return this.#program('forward', () =>
      this.session.compile(forwardGraph(this.definition, this.dtype, adapter).graph),
    )
  }

  /**
   * Outputs `logits` of the tokens in `rows`, and by them the `likeliest` ids and `sampled` ones; keeps keys and values. What is fetched
   * alone is computed. Not shared: the caller disposes it.
   */
  decoding(adapter: AdapterGraph | undefined, cache: Cache): NativeProgram {
    const { definition } = this
    const g = GraphBuilder.create({
      dtype: this.dtype,
      mode: 'decode',
      adapter,
      cache,
      quantized: definition.quantized,
    })
    const rows = askedRows(g.in('rows'), definition.hidden(g))
    const logits = taskGraph(definition).logits(g, rows)
    g.output('logits', logits)
    g.output('likeliest', ops.argmax(g.in('likeliest'), logits))
    g.output('sampled', ops.sample(g.in('sampled'), logits, samplingInputs(g)))
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

/** Logits of everything, without dropout. Names every parameter and module of the model. */
export function forwardGraph(definition: ModelDefinition, dtype: 'f32' | 'bf16', adapter?: AdapterGraph): GraphBuilder {
  const g = GraphBuilder.create({ dtype, mode: 'evaluate', adapter, quantized: definition.quantized })
  g.output('logits', taskGraph(definition).logits(g, definition.hidden(g)))
  return g
}

/** The loss of a batch, in training with dropout. */
export function lossGraph(
  definition: ModelDefinition,
  options: { dtype: 'f32' | 'bf16'; mode: GraphMode; adapter: AdapterGraph | undefined },
  lossOptions: LossOptions,
): GraphBuilder {
  const g = GraphBuilder.create({
    ...options,
    neftuneAlpha: lossOptions.neftuneAlpha,
    quantized: definition.quantized,
  })
  const { loss, rowLoss, prediction, logits } = taskGraph(definition).loss(g, definition.hidden(g), lossOptions)
  g.output('loss', loss)
  if (options.mode === 'evaluate') {
    g.output('row_loss', rowLoss)
    if (prediction !== undefined) g.output('prediction', prediction)
    if (logits !== undefined) g.output('logits', logits)
  }
  return g
}

/** Weights come with each batch: the graph only needs to know that there are some. */
function lossKey(kind: string, loss: LossOptions): string {
  const { labelSmoothing, focalGamma, neftuneAlpha, classWeights, positiveWeights, gradientCheckpointing } = loss
  return [
    kind,
    labelSmoothing,
    focalGamma,
    neftuneAlpha,
    classWeights !== undefined,
    positiveWeights !== undefined,
    gradientCheckpointing,
  ].join(' ')
}
