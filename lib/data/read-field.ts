import { describeValue, type Fields } from './shape.js'

/** What was made of a field, or what is wrong with it. */
export type ReadField<Value> =
  { readonly value: Value; readonly problem?: undefined } | { readonly value?: undefined; readonly problem: string }

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a text in JSON, undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What came, in words. */
export function received(value: unknown): string {
  return value === undefined ? 'nothing' : describeValue(value)
}

/** A text in messages. */
export function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`
}
