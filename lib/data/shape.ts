import { z } from 'zod'

import type { DatasetRow, ShapeName } from './rows.js'

export type Fields = Readonly<Record<string, unknown>>

/** What a row's fields mean where they do not say it themselves. */
export interface RowMeaning {
  /** Which language of a `translation` object is the source. */
  readonly sourceLanguage?: string | undefined
  /** Which language of a `translation` object is the target. */
  readonly targetLanguage?: string | undefined
  /** Roles of messages, beside the usual ones, that the model's chat template knows. Default: none. */
  readonly roles?: readonly string[] | undefined
}

/** How rows of one kind are recognised and read. */
export interface Shape {
  readonly name: ShapeName
  /** How such rows are laid out, in words; several layouts may have one name. */
  readonly form: string
  /** The fields a row needs, for error messages. */
  readonly expected: string
  /** Whether a row is meant to be of this shape: its fields are there, right or wrong. */
  readonly detect: (fields: Fields) => boolean
  /** The fields that are read, those included that a row may leave out. */
  readonly reads: (fields: Fields) => readonly string[]
  /** The row with its own fields only, or what is wrong with it. */
  readonly parse: (fields: Fields, meaning: RowMeaning) => ParsedRow
}

export type ParsedRow =
  { readonly row: DatasetRow; readonly problem?: undefined } | { readonly row?: undefined; readonly problem: string }

/** A text with something in it. */
export const filledText = z.string().refine((text) => text.trim() !== '', { error: 'is empty' })

/** What came in place of the expected fields, in words. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value !== 'object') return `a ${typeof value}`
  const fields = Object.entries(value).map(([key, entry]) => (entry === null ? `${key} (null)` : key))
  if (fields.length === 0) return 'an object without fields'
  return `fields ${fields.slice(0, 8).join(', ')}${fields.length > 8 ? ', …' : ''}`
}

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** The fields as the schema reads them and as `row` makes a row of them, or what is wrong. */
export function parsed<Schema extends z.ZodType>(
  schema: Schema,
  fields: Fields,
  row: (value: z.output<Schema>) => DatasetRow,
): ParsedRow {
  const result = schema.safeParse(fields)
  return result.success ? { row: row(result.data) } : { problem: problemOf(result.error, fields) }
}

/** The first thing wrong, as `messages[2].content: expected a string, received a number`. */
function problemOf(error: z.ZodError, fields: unknown): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'is not valid'
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  const value = issue.path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    fields,
  )
  const name = path.replace(/^\./, '')
  if (issue.code === 'custom') return `${name} ${issue.message}`
  if (issue.code === 'too_small') return `${name} is empty`
  const wanted = issue.code === 'invalid_type' ? issue.expected : 'string or list of parts'
  return `${name}: expected ${wanted}, received ${value === undefined ? 'nothing' : describeValue(value)}`
}
