import { AttuneError } from '../../errors.js'
import { received } from '../read-field.js'
import { isGiven, type Fields } from '../shape.js'
import type { SplitRows } from './split-options.js'

/** What a row has under a name: among the fields its shape does not read, else among those of the row. */
export function fieldValue(dataset: SplitRows, index: number, name: string): unknown {
  const unread = dataset.fieldsOf(index)
  if (Object.hasOwn(unread, name)) return unread[name]
  const row = dataset.rows[index] as unknown as Fields
  return Object.hasOwn(row, name) ? row[name] : undefined
}

/**
 * The class or group of each row, as a text. `option` is what asks for it, as 'options.groupBy'.
 * @throws AttuneError 'invalid-option' naming the first row that has none, or a list or an object
 */
export function fieldKeys(dataset: SplitRows, name: string, option: string): string[] {
  return Array.from({ length: dataset.length }, (_, index) => {
    const value = fieldValue(dataset, index, name)
    if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
    if (typeof value === 'number' && !Number.isNaN(value)) return String(value)
    if (value instanceof Date) return value.toISOString()
    throw unusable(dataset, index, name, option)
  })
}

/**
 * The classes of rows, by which they are to be drawn.
 * @throws AttuneError 'invalid-option' as `fieldKeys` does, and where the values are numbers to predict
 */
export function classKeys(dataset: SplitRows, name: string, option: string): string[] {
  for (let index = 0; index < dataset.length; index++) {
    const value = fieldValue(dataset, index, name)
    if (typeof value !== 'number' || Number.isInteger(value)) continue
    const message = `${option} '${name}' needs classes, but values such as ${value} are numbers to predict`
    throw new AttuneError('invalid-option', message, { where: option })
  }
  return fieldKeys(dataset, name, option)
}

/**
 * The time of each row, as a number.
 * @throws AttuneError 'invalid-option' naming the first row that has none
 */
export function times(dataset: SplitRows, name: string, option: string): number[] {
  const values = Array.from({ length: dataset.length }, (_, index) => fieldValue(dataset, index, name))
  // '2021' is a year among dates and a number among numbers.
  const numeric = values.every((value) => typeof value !== 'string' || /^\s*[+-]?\d+(\.\d+)?\s*$/.test(value))
  return values.map((value, index) => {
    const time = timeOf(value, numeric)
    if (Number.isNaN(time)) throw unusable(dataset, index, name, option, 'a date such as 2024-05-31 or a number')
    return time
  })
}

const isoDate = /^(\d{4})(-\d{2})?(-\d{2})?([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/

function timeOf(value: unknown, numeric: boolean): number {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') return NaN
  if (numeric) return value.trim() === '' ? NaN : Number(value)
  const parts = isoDate.exec(value.trim())
  if (parts === null) return NaN
  const [, year = '', month = '-01', day = '-01', time = 'T00:00', , , zone = 'Z'] = parts
  // Without a zone the same one everywhere, or the split would depend on the machine's.
  const offset = zone === 'UTC' ? 'Z' : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')
  return Date.parse(`${year}${month}${day}${time.replace(' ', 'T')}${offset}`)
}

function unusable(dataset: SplitRows, index: number, name: string, option: string, wanted?: string): AttuneError {
  const value = fieldValue(dataset, index, name)
  const origin = dataset.origins[index] ?? `row ${index}`
  const row = dataset.rows[index] as unknown as Fields
  const names = [...new Set([...Object.keys(row), ...Object.keys(dataset.fieldsOf(index))])]
  const came = typeof value === 'string' ? `'${value.slice(0, 40)}'` : received(value)
  const what = !isGiven(value)
    ? `has no value in it; there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 12).join(', ')}`
    : `has ${came} in it, where ${wanted ?? 'a text or a number'} is needed`
  return new AttuneError('invalid-option', `${option} names the field '${name}', but ${origin} ${what}`, {
    where: option,
  })
}
