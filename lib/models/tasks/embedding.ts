/** Sentence embeddings: pooled hidden states, trained on pairs with the other rows of the batch as negatives. */
import { AttuneError } from '../../errors.js'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { askedRows, lossScale, segments } from '../../nn/inputs.js'
import { checkedId, type FlatBatch } from '../batch.js'
import type { ModelDefinition } from '../family.js'
import { requireLabels, type TaskGraph } from './task-graph.js'

/** sentence-transformers' MultipleNegativesRankingLoss: cosine similarities times 20. */
const similarityScale = 20

export function embeddingTask(definition: ModelDefinition): TaskGraph {
  const { pooling, normalize, hiddenSize } = definition
  const pooled = (g: GraphBuilder, hidden: Value): Value =>
    pooling === 'mean' ? ops.segmentMean(g.in('pooling'), hidden, segments(g)) : askedRows(g.in('pooling'), hidden)
  const asked = (flat: FlatBatch) => {
    if (pooling === 'mean') return { sizes: {}, inputs: {} }
    const sequences = flat.cuSeqlens.length - 1
    const rows = Int32Array.from({ length: sequences }, (_, s) =>
      pooling === 'cls' ? (flat.cuSeqlens[s] ?? 0) : (flat.cuSeqlens[s + 1] ?? 1) - 1,
    )
    return { sizes: { rows: sequences }, inputs: { rows } }
  }
  return {
    outputs: hiddenSize,
    logits: (g, hidden) => (normalize ? ops.l2Normalize(g.in('normalize'), pooled(g, hidden)) : pooled(g, hidden)),
    asked: (_, flat) => ({ ...asked(flat), rows: flat.cuSeqlens.length - 1 }),
    loss(g, hidden, { labelSmoothing, classWeights, positiveWeights, focalGamma }) {
      if (labelSmoothing > 0 || classWeights !== undefined || positiveWeights !== undefined || focalGamma > 0) {
        throw new AttuneError('invalid-option', 'Label smoothing, weights and focal loss are for classification.', {
          where: 'loss',
        })
      }
      const texts = pooled(g, hidden)
      const at = g.in('loss')
      const pick = (name: string) => ops.gatherRows(at, texts, g.input(name, [name], 'i32', 'sequences'))
      return ops.contrastiveLoss(
        at,
        {
          anchors: pick('anchors'),
          candidates: pick('candidates'),
          labels: g.input('labels', ['anchors'], 'i32', 'candidates'),
          lossScale: lossScale(g),
        },
        { scale: similarityScale },
      )
    },
    targets(batch, flat, _, where) {
      const given = requireLabels(batch, where, "each anchor's positive among the rows after the anchors")
      const anchors = given.length
      const candidates = batch.inputIds.length - anchors
      if (candidates < 1) {
        throw new AttuneError('invalid-batch', `Expected rows after the ${anchors} anchors to choose from.`, {
          where: `${where}.inputIds`,
        })
      }
      const labels = Int32Array.from(given, (label, i) =>
        checkedId(typeof label === 'number' ? label : undefined, candidates, 'a candidate', `${where}.labels[${i}]`),
      )
      const { sizes, inputs } = asked(flat)
      return {
        sizes: { ...sizes, anchors, candidates },
        inputs: {
          ...inputs,
          labels,
          anchors: Int32Array.from({ length: anchors }, (_unused, i) => i),
          candidates: Int32Array.from({ length: candidates }, (_unused, i) => anchors + i),
        },
        count: anchors,
        weight: anchors,
        expected: labels,
      }
    },
  }
}
