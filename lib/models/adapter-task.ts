/** `task.json` beside an adapter: PEFT keeps neither labels nor the kind of problem, and without them a head cannot be made again. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { ModelDefinition } from './family.js'
import { readJsonObject } from './json-file.js'
import { labelFields } from './labels.js'
import { problemTypes, tasks } from '../task.js'
import type { TaskRequest } from './task.js'

export const adapterTaskFile = 'task.json'

const schema = z.looseObject({
  task: z.enum(tasks),
  problem_type: z.enum(problemTypes).optional(),
  id2label: z.record(z.string(), z.string()).optional(),
})

export function adapterTask(definition: ModelDefinition): Record<string, unknown> {
  return { task: definition.task, ...labelFields(definition) }
}

/** What the adapter was trained for; nothing where its directory does not say. @throws AttuneError `invalid-adapter` */
export async function readAdapterTask(directory: string): Promise<TaskRequest> {
  const path = join(directory, adapterTaskFile)
  if (!existsSync(path)) return {}
  const result = schema.safeParse(await readJsonObject(path))
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new AttuneError('invalid-adapter', `${issue?.message ?? 'Invalid'}.`, {
      where: [path, ...(issue?.path ?? [])].join('.'),
    })
  }
  const { task, problem_type: problemType, id2label } = result.data
  const labels = id2label === undefined ? undefined : Object.keys(id2label).map((_, i) => id2label[String(i)] ?? '')
  return { task, problemType, labels }
}
