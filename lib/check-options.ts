import type { z } from 'zod'
import { AttuneError } from './errors.js'
import { suggestion } from './nearest.js'

/** `value` as the schema has it. @throws AttuneError `invalid-option` naming the field, with the nearest name for an unknown one */
export function checkOptions<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = [where, ...(issue?.path ?? [])].join('.')
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    throw new AttuneError(
      'invalid-option',
      `There is no option "${key}".${suggestion(key, Object.keys(schema.shape))}`,
      {
        where: `${path}.${key}`,
      },
    )
  }
  throw new AttuneError('invalid-option', `${issue?.message ?? 'Invalid options'}.`, { where: path })
}
