/** Extractive question answering: where in the text the answer begins and ends. */
import { AttuneError } from '../../errors.js'
import * as ops from '../../graph/ops.js'
import { lossScale, segments } from '../../nn/inputs.js'
import { checkRowCount, ignoredLabel } from '../batch.js'
import type { LabelHead, ModelDefinition } from '../family.js'
import { requireLabels, type TaskGraph } from './task-graph.js'

/** Start and end. */
const spanEnds = 2

export function spanTask(_: ModelDefinition, head: LabelHead): TaskGraph {
  return {
    outputs: spanEnds,
    logits: (g, hidden) => head.logits(g, hidden, spanEnds),
    asked: (_batch, flat) => ({ sizes: {}, inputs: {}, rows: flat.ids.length }),
    loss(g, hidden, { labelSmoothing, classWeights, positiveWeights, focalGamma }) {
      if (labelSmoothing > 0 || classWeights !== undefined || positiveWeights !== undefined || focalGamma > 0) {
        throw new AttuneError('invalid-option', 'Label smoothing, weights and focal loss are for classification.', {
          where: 'loss',
        })
      }
      const logits = head.logits(g, hidden, spanEnds)
      // A position of -1 carries no loss, so there is no lower limit that the core could check.
      const positions = g.input('spans', ['sequences', spanEnds], 'i32')
      return {
        ...ops.spanCrossEntropy(g.in('loss'), { logits, segments: segments(g), positions, lossScale: lossScale(g) }),
        logits,
      }
    },
    targets(batch, _flat, _options, where) {
      const given = requireLabels(batch, where, '[start, end] per row')
      const name = `${where}.labels`
      checkRowCount(given, batch.inputIds.length, name)
      let count = 0
      const spans = given.flatMap((span, r) => {
        const length = batch.inputIds[r]?.length ?? 0
        const ends = typeof span === 'number' ? [span] : Array.from(span)
        const [start = ignoredLabel, end = ignoredLabel] = ends
        const none = ends.length === spanEnds && start === ignoredLabel && end === ignoredLabel
        const fits =
          ends.length === spanEnds && ends.every(Number.isInteger) && 0 <= start && start <= end && end < length
        if (none) return [-1, -1]
        if (!fits) {
          const message = `Expected [start, end] with 0 <= start <= end < ${length}, or [-100, -100], but received ${JSON.stringify(ends)}.`
          throw new AttuneError('invalid-batch', message, { where: `${name}[${r}]` })
        }
        count++
        return [start, end]
      })
      // Hugging Face's loss is the mean of the two ends'.
      return {
        sizes: {},
        inputs: { spans: Int32Array.from(spans) },
        count,
        weight: spanEnds * count,
        expected: undefined,
      }
    },
  }
}
