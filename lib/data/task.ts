import { AttuneError } from '../errors.js'
import type { Task } from '../task.js'
import type { Dataset } from './dataset.js'
import type { ShapeName } from './rows.js'

// What rows of a shape are good for, for the message about rows in the wrong place.
const tasksOfShape: Readonly<Record<ShapeName, string>> = {
  messages: 'causal-lm',
  'prompt-completion': 'causal-lm or seq2seq-lm',
  'tokens-tags': 'token-classification',
  'question-answering': 'question-answering',
  'source-target': 'seq2seq-lm',
  'anchor-positive': 'embedding',
  'text-labels': 'sequence-classification (multi-label)',
  'text-label': 'sequence-classification',
  text: 'causal-lm or masked-lm',
  preference: 'preference training, which attune does not do yet',
  'unpaired-preference': 'preference training, which attune does not do yet',
}

/**
 * The dataset's shape, where it is one of those that the task takes.
 * @throws AttuneError 'empty-dataset', 'invalid-dataset' naming the first row
 */
export function requireShape<Shape extends ShapeName>(dataset: Dataset, task: Task, allowed: readonly Shape[]): Shape {
  const { shape } = dataset
  if (shape === undefined) throw new AttuneError('empty-dataset', 'the dataset has no rows', { where: 'dataset' })
  const found = allowed.find((name) => name === shape)
  if (found !== undefined) return found
  const where = dataset.origins[0] ?? 'dataset'
  const list = allowed.map((name) => `'${name}'`).join(' or ')
  const hasText = shape === 'text-label' || shape === 'text-labels'
  const hint =
    hasText && allowed.some((name) => name === 'text')
      ? "; to train on their texts alone, load them with the option shape: 'text'"
      : shape === 'preference'
        ? '; to train on the better answers alone, make rows of prompt and chosen with dataset.map'
        : ''
  const message = `${where}: rows of shape '${shape}' are for ${tasksOfShape[shape]}; ${task} takes ${list}${hint}`
  throw new AttuneError('invalid-dataset', message, { where })
}
