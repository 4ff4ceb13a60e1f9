import type { ShapeName } from '../data/rows.js'
import type { Task } from '../task.js'

/** What rows of a shape can be trained on for; the first is usual. None: no task takes them yet. */
export const rowTasks: Readonly<Partial<Record<ShapeName, readonly Task[]>>> = {
  messages: ['causal-lm'],
  'prompt-completion': ['causal-lm', 'seq2seq-lm'],
  text: ['causal-lm', 'masked-lm'],
  'text-label': ['sequence-classification'],
  'text-labels': ['sequence-classification'],
  'tokens-tags': ['token-classification'],
  'question-answering': ['question-answering'],
  'source-target': ['seq2seq-lm'],
  'anchor-positive': ['embedding'],
}
