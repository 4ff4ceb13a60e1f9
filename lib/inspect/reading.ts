import type { LossOn } from '../data/row-encoders.js'
import type { ShapeName } from '../data/rows.js'
import type { Task } from '../task.js'

const rowsAre: Readonly<Partial<Record<ShapeName, string>>> = {
  messages: 'conversations',
  'prompt-completion': 'prompts and what the model should answer',
  text: 'plain texts',
  'text-label': 'texts with a label each',
  'text-labels': 'texts with any number of labels',
  'tokens-tags': 'words with a tag each',
  'question-answering': 'questions, contexts and where the answers stand in them',
  'source-target': 'texts and what they should become',
  'anchor-positive': 'pairs of texts that should lie close to each other',
}

const learns: Readonly<Record<LossOn, string>> = {
  assistant: 'the model learns to write every turn of the assistant',
  'last-assistant': 'the model learns to write the last turn of the assistant',
  completion: 'the model learns to write the completion',
  all: 'the model learns to write all of it',
}

const taskLearns: Readonly<Record<Exclude<Task, 'causal-lm'>, string>> = {
  'sequence-classification': 'the model learns to give texts their labels',
  'token-classification': 'the model learns to tag words',
  'question-answering': 'the model learns to find the answer in the context',
  'masked-lm': 'the model learns to fill in words that are hidden from it',
  'seq2seq-lm': 'the model learns to write the target',
  embedding: 'the model learns which texts lie close to each other',
}

/** How rows are read, in words. */
export function readingOf(shape: ShapeName | undefined, task: Task | undefined, lossOn: LossOn | undefined): string {
  if (shape === undefined) return 'no row could be read'
  const rows = rowsAre[shape] ?? `rows of the form '${shape}'`
  if (task === undefined) return `${rows}; attune trains on such rows in no task yet`
  if (task !== 'causal-lm') return `${rows}: ${taskLearns[task]}`
  const usual = shape === 'messages' ? 'assistant' : shape === 'prompt-completion' ? 'completion' : 'all'
  return `${rows}: ${learns[lossOn ?? usual]}`
}
