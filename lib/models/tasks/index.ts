/** The tasks: what each adds to a backbone. */
import { AttuneError } from '../../errors.js'
import type { ModelDefinition } from '../family.js'
import { embeddingTask } from './embedding.js'
import { labelTask } from './labels.js'
import { spanTask } from './spans.js'
import type { TaskGraph } from './task-graph.js'
import { vocabularyTask } from './vocabulary.js'

export function taskGraph(definition: ModelDefinition): TaskGraph {
  const { head, task } = definition
  switch (head.kind) {
    case 'vocabulary':
      return vocabularyTask(definition, head)
    case 'labels':
      return task === 'question-answering' ? spanTask(definition, head) : labelTask(definition, head)
    case 'embedding':
      return embeddingTask(definition)
    default:
      throw new AttuneError('internal', 'a head of no known kind', { where: task })
  }
}
