/** What a model makes of one labelled batch, without dropout, label smoothing or weights. */
import type { NativeProgram, NativeSession } from '../native.js'
import type { Batch } from './batch.js'
import type { ModelDefinition } from './family.js'
import { labelled } from './labelled-batch.js'
import { likeliest } from './probabilities.js'
import { plainLoss } from './task.js'
import { taskGraph } from './tasks/index.js'
import type { Tensor } from './tensor.js'

export interface BatchEvaluation {
  /** Sum over the labelled tokens, in nats; of other tasks over the labelled rows. */
  readonly lossSum: number
  /** Labelled tokens, or rows. */
  readonly tokens: number
  /** What `lossSum` is divided by to give the loss: `tokens`, unless a row has several outputs or a weight. */
  readonly weight: number
  /** Those whose likeliest token or label was the right one; 0 where there are no single labels. */
  readonly correct: number
  /** Of each labelled token or row, in order. */
  readonly losses: Float32Array
  /** The likeliest token or label of each labelled token or row; absent where there are no single labels. */
  readonly predictions: Int32Array | undefined
  /** Of each labelled token or row, of heads that are not over the vocabulary; of question answering, of every token. */
  readonly logits: Tensor | undefined
}

/** @param program gives the evaluation program; it is asked only where something has a label */
export async function evaluateBatch(
  batch: Batch,
  definition: ModelDefinition,
  session: NativeSession,
  program: () => NativeProgram,
): Promise<BatchEvaluation> {
  const { count: tokens, weight, expected, native } = labelled(batch, definition, plainLoss)
  const small = definition.head.kind === 'labels'
  const { outputs } = taskGraph(definition)
  if (tokens === 0) {
    const logits = small ? { data: new Float32Array(0), shape: [0, outputs] } : undefined
    const predictions = expected === undefined ? undefined : new Int32Array(0)
    return { lossSum: 0, tokens, weight, correct: 0, losses: new Float32Array(0), predictions, logits }
  }
  const fetch = ['row_loss', small ? 'logits' : 'prediction']
  const { row_loss, prediction, logits } = await session.run(program(), native(1), { fetch })
  const losses = row_loss as Float32Array
  const lossSum = losses.reduce((sum, loss) => sum + loss, 0)
  const scores = logits as Float32Array | undefined
  const single = scores !== undefined && definition.task !== 'question-answering'
  const guesses = single ? likeliest(scores, outputs) : (prediction as Int32Array | undefined)
  const predictions = expected === undefined ? undefined : guesses
  const correct = expected?.reduce((hits, label, i) => hits + (predictions?.[i] === label ? 1 : 0), 0) ?? 0
  const rows = (scores?.length ?? 0) / outputs
  const shaped = scores === undefined ? undefined : { data: scores, shape: [rows, outputs] }
  return { lossSum, tokens, weight, correct, losses, predictions, logits: shaped }
}
