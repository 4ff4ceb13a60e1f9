import { fieldAdvice } from './field-advice.js'
import type { Fields } from './shape.js'
import { shapeFor } from './shapes.js'

// What files call the list of their rows.
const listNames = ['data', 'rows', 'examples', 'instances', 'items', 'records', 'samples', 'dataset', 'train']
const mostLevels = 3

/**
 * Where the rows are in an object that is none itself, as a whole JSON file may be: the way to a list of them, as the
 * option `at` takes it. Undefined where no list of it looks like that.
 */
export function pathOfRows(fields: Fields, levels = mostLevels): string | undefined {
  const lists = Object.entries(fields).filter(([, value]) => Array.isArray(value) && isObject(value[0]))
  const [name] = lists.find(([key, value]) => looksLikeRows(key, (value as readonly Fields[])[0] ?? {})) ?? []
  if (name !== undefined || levels === 1) return name
  for (const [key, value] of Object.entries(fields)) {
    const inside = isObject(value) ? pathOfRows(value, levels - 1) : undefined
    if (inside !== undefined) return `${key}.${inside}`
  }
  return undefined
}

function looksLikeRows(name: string, first: Fields): boolean {
  // Turns of a conversation are no rows.
  if ('role' in first || 'from' in first) return false
  return listNames.includes(name) || shapeFor(first) !== undefined || fieldAdvice(first) !== ''
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
