/**
 * One table per verb: for each option its type, default, check and description. The API checks against it and the
 * command line derives its flags from it.
 */
import { z } from 'zod'
import { AttuneError } from './errors.js'
import { suggestion } from './nearest.js'

export interface Option<Type extends z.ZodType = z.ZodType> {
  /** Accepts the value; its own messages say what was expected. */
  readonly type: Type
  readonly description: string
  /** In words, for help and docs. Absent: the option must be given, or absence means something of its own. */
  readonly default?: z.input<Type>
  /** What the command line calls its value; false: no flag, as the value is no text. */
  readonly flag?: string | false
  /** Of an option that may be false beside other values: what `--no-…` does. Absent: there is no such flag. */
  readonly off?: string
}

export type OptionTable = Readonly<Record<string, Option>>

/** The options after defaults: those without one may be undefined. */
export type Settled<Table extends OptionTable> = {
  readonly [Key in keyof Table]: Table[Key] extends { readonly default: unknown }
    ? z.output<Table[Key]['type']>
    : z.output<Table[Key]['type']> | undefined
}

/**
 * The options with their defaults.
 * @throws AttuneError 'invalid-option' with the option's path, what was expected and what came; for an unknown option
 * the nearest name
 */
export function settleOptions<Table extends OptionTable>(
  table: Table,
  given: object | undefined,
  where = 'options',
): Settled<Table> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new AttuneError('invalid-option', `${where}: expected an object, received ${show(given)}`, { where })
  }
  const values = new Map<string, unknown>(Object.entries(given ?? {}))
  for (const key of values.keys()) {
    if (!Object.hasOwn(table, key)) {
      const hint = suggestion(key, Object.keys(table))
      throw new AttuneError('invalid-option', `${where}.${key} is no option.${hint}`, { where: `${where}.${key}` })
    }
  }
  const settled: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(table)) {
    const value = values.get(key) ?? option.default
    settled[key] = value === undefined ? undefined : checked(option, value, `${where}.${key}`)
  }
  return settled as Settled<Table>
}

function checked(option: Option, value: unknown, where: string): unknown {
  const result = option.type.safeParse(value)
  if (result.success) return result.data
  const issue = deepest(result.error.issues[0])
  const path = [where, ...(issue?.path ?? []).map(String)].join('.')
  if (issue?.code === 'unrecognized_keys') {
    throw new AttuneError('invalid-option', `${path}.${issue.keys[0]} is no option`, {
      where: `${path}.${issue.keys[0]}`,
    })
  }
  const received = show(issue?.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], value))
  const message = `${path}: expected ${expectation(option.type, issue)}, received ${received}`
  throw new AttuneError('invalid-option', message, { where: path })
}

type Issue = z.core.$ZodIssue

/** Inside a union, the issue of the member that came furthest. */
function deepest(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union') return issue
  const inner = issue.errors.map((issues) => deepest(issues[0])).filter((found) => found !== undefined)
  const furthest = inner.filter((found) => found.path.length > 0 || found.code === 'unrecognized_keys')
  const [best] = furthest.sort((a, b) => b.path.length - a.path.length)
  return best === undefined ? issue : { ...best, path: [...issue.path, ...best.path] }
}

/** The values without some of them. */
export function omit<Values extends object, Key extends keyof Values>(
  values: Values,
  ...keys: Key[]
): Omit<Values, Key> {
  const left = Object.entries(values).filter(([key]) => !keys.some((omitted) => omitted === key))
  return Object.fromEntries(left) as Omit<Values, Key>
}

/** What an option takes, in words. */
function expectation(type: z.ZodType, issue: Issue | undefined): string {
  if (issue === undefined || issue.path.length === 0 || issue.code === 'invalid_union') return describeType(type)
  if (issue.code === 'invalid_value') return issue.values.map(show).join(' or ')
  if (issue.code === 'too_small') return `${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`
  if (issue.code === 'too_big') return `${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}`
  return issue.code === 'invalid_type' ? `a ${issue.expected}` : issue.message
}

/** `a number more than 0`, `'linear' or 'cosine'`, … */
export function describeType(type: z.ZodType): string {
  if (type.description !== undefined) return type.description
  if (type instanceof z.ZodEnum) return type.options.map(show).join(' or ')
  if (type instanceof z.ZodLiteral) return [...type.values].map(show).join(' or ')
  if (type instanceof z.ZodUnion) return type.options.map((option) => describeType(option as z.ZodType)).join(' or ')
  if (type instanceof z.ZodBoolean) return 'true or false'
  if (type instanceof z.ZodArray) return `a list, each ${describeType(type.element as z.ZodType)}`
  if (type instanceof z.ZodString) return 'a text'
  if (type instanceof z.ZodNumber) return describeNumber(type)
  return 'an object'
}

function describeNumber(type: z.ZodNumber): string {
  const words = [type.format === 'safeint' ? 'a whole number' : 'a number']
  for (const { _zod } of type.def.checks ?? []) {
    const bound = _zod.def as { check: string; value?: number; inclusive?: boolean }
    if (bound.check === 'greater_than')
      words.push(bound.inclusive === true ? `from ${bound.value} on` : `above ${bound.value}`)
    if (bound.check === 'less_than')
      words.push(bound.inclusive === true ? `up to ${bound.value}` : `below ${bound.value}`)
  }
  return words.join(' ')
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  return JSON.stringify(value) ?? String(value)
}
