/** The tasks: what each adds to a backbone. */
import { AttuneError } from '../../errors.js'
import type { ModelDefinition } from '../family.js'
import { labelTask } from './labels.js'
import type { TaskGraph } from './task-graph.js'
import { vocabularyTask } from './vocabulary.js'

export function taskGraph(definition: ModelDefinition): TaskGraph {
  const { head, task } = definition
  switch (head.kind) {
    case 'vocabulary':
      return vocabularyTask(definition, head)
    case 'labels':
      if (task === 'question-answering') break
      return labelTask(definition, head)
    case 'embedding':
      break
  }
  throw new AttuneError('unsupported-task', `The task ${task} is not there yet.`, { where: 'options.task' })
}
