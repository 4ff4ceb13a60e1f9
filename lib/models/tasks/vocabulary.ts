/** Tasks that predict tokens: causal, masked and sequence-to-sequence language models. */
import { AttuneError } from '../../errors.js'
import { vocabularyLogits, vocabularyLoss, type VocabularyHeadOptions } from '../../nn/vocabulary-head.js'
import { checkAligned, checkedId, checkRowCount, ignoredLabel, type Batch, type FlatBatch } from '../batch.js'
import type { ModelDefinition, VocabularyHead } from '../family.js'
import type { LossOptions } from '../task.js'
import { requireLabels, type Targets, type TaskGraph } from './task-graph.js'

export function vocabularyTask(definition: ModelDefinition, head: VocabularyHead): TaskGraph {
  const vocabulary = definition.vocabularySize
  const options: VocabularyHeadOptions = { vocabulary, ...head }
  return {
    outputs: vocabulary,
    logits: (g, hidden) => vocabularyLogits(g, hidden, options),
    asked: (_, flat) => ({ sizes: {}, inputs: {}, rows: (flat.decoder ?? flat).ids.length }),
    loss(g, hidden, loss) {
      requirePlain(loss, definition)
      return vocabularyLoss(g, hidden, { ...options, labelSmoothing: loss.labelSmoothing })
    },
    targets: (batch, flat, _, where) => tokenTargets(batch, flat, definition, where),
  }
}

/** The rows that are asked for a token, and those tokens. Of a causal model the token before is asked. */
function tokenTargets(batch: Batch, flat: FlatBatch, definition: ModelDefinition, where: string): Targets {
  const { task, vocabularySize } = definition
  const aligned = task === 'seq2seq-lm' ? 'the decoder tokens of each row' : 'one per token of inputIds'
  const given = requireLabels(batch, where, aligned)
  const name = `${where}.labels`
  if (task === 'seq2seq-lm') checkRowCount(given, batch.inputIds.length, name)
  else checkAligned(given, batch.inputIds, name)
  const shift = task === 'causal-lm' ? 1 : 0
  const starts = shift === 1 ? new Set(flat.cuSeqlens) : new Set<number>()
  const expected = `${ignoredLabel} or a token id below the vocabulary size`
  const ends = flat.decoder?.cuSeqlens
  const rows: number[] = []
  const labels: number[] = []
  let at = 0
  given.forEach((row, r) => {
    if (typeof row === 'number') {
      throw new AttuneError('invalid-batch', 'Expected a list of token ids but received a number.', {
        where: `${name}[${r}]`,
      })
    }
    const begin = ends?.[r] ?? at
    const length = ends === undefined ? row.length : (ends[r + 1] ?? begin) - begin
    if (row.length !== length) {
      throw new AttuneError(
        'invalid-batch',
        `Expected ${length} values, one per decoder token, but received ${row.length}.`,
        { where: `${name}[${r}]` },
      )
    }
    for (let i = 0; i < row.length; i++, at++) {
      const label = row[i]
      if (label === ignoredLabel) continue
      const id = checkedId(label, vocabularySize, expected, `${name}[${r}][${i}]`)
      if (starts.has(at)) continue
      rows.push(at - shift)
      labels.push(id)
    }
  })
  const inputs = { rows: Int32Array.from(rows), labels: Int32Array.from(labels) }
  return { sizes: { rows: rows.length }, inputs, count: rows.length, weight: rows.length, expected: inputs.labels }
}

function requirePlain({ classWeights, positiveWeights, focalGamma }: LossOptions, { task }: ModelDefinition): void {
  const option =
    classWeights !== undefined
      ? 'classWeights'
      : positiveWeights !== undefined
        ? 'positiveWeights'
        : focalGamma > 0
          ? 'focalGamma'
          : undefined
  if (option === undefined) return
  throw new AttuneError('invalid-option', `${option} is for classification: the task is ${task}.`, { where: option })
}
