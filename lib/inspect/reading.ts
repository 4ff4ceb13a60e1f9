import type { LossOn } from '../data/row-encoders.js'
import type { Recognition } from '../data/recognize-shape.js'
import type { Task } from '../task.js'

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

/** How rows are read and what is learned from them, in words. */
export function readingOf(
  recognition: Recognition | undefined,
  task: Task | undefined,
  lossOn: LossOn | undefined,
): string {
  if (recognition === undefined) return 'no row could be read'
  const { form, shape } = recognition
  if (task === undefined) return `${form}: attune trains on such rows in no task yet`
  if (task !== 'causal-lm') return `${form}: ${taskLearns[task]}`
  const usual = shape === 'messages' ? 'assistant' : shape === 'prompt-completion' ? 'completion' : 'all'
  return `${form}: ${learns[lossOn ?? usual]}`
}
