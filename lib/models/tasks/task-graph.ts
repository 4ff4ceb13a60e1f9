/** What a task adds to a backbone: the head's nodes, and what labels become. */
import { AttuneError } from '../../errors.js'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import type { NativeArray } from '../../native.js'
import type { Batch, FlatBatch } from '../batch.js'
import type { LossOptions } from '../task.js'

/** Labels as the core takes them. */
export interface Targets {
  readonly sizes: Readonly<Record<string, number>>
  readonly inputs: Readonly<Record<string, NativeArray>>
  /** What has a label: tokens, or rows. */
  readonly count: number
  /** What the sum of the losses is divided by. */
  readonly weight: number
  /** Right answers to count predictions against: labels of single-label tasks. */
  readonly expected: Int32Array | undefined
}

export interface LossValues {
  /** `loss_scale` times the sum of `rowLoss`. */
  readonly loss: Value
  readonly rowLoss: Value
  /** Of heads that give a few numbers a row: their logits for the labelled rows. */
  readonly logits?: Value
  /** Of heads over the vocabulary, whose logits are never all there at once: the likeliest token of each row. */
  readonly prediction?: Value
}

/** What a forward pass asks the head for. */
export interface AskedLogits {
  readonly sizes: Readonly<Record<string, number>>
  readonly inputs: Readonly<Record<string, NativeArray>>
  readonly rows: number
}

export interface TaskGraph {
  /** Numbers in a row of logits. */
  readonly outputs: number
  /** Logits of everything: each token, or each text. */
  readonly logits: (g: GraphBuilder, hidden: Value) => Value
  readonly asked: (batch: Batch, flat: FlatBatch) => AskedLogits
  readonly loss: (g: GraphBuilder, hidden: Value, options: LossOptions) => LossValues
  /** @throws AttuneError `invalid-batch` naming the label */
  readonly targets: (batch: Batch, flat: FlatBatch, options: LossOptions, where: string) => Targets
}

export function requireLabels(batch: Batch, where: string, expected: string): NonNullable<Batch['labels']> {
  if (batch.labels !== undefined) return batch.labels
  throw new AttuneError('invalid-batch', `The loss needs \`labels\`: ${expected} (-100: no loss).`, {
    where: `${where}.labels`,
  })
}
