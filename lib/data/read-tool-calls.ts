import type { Tool } from '../tokenizer/message.js'
import { isFields, jsonOf, received, shortened, type ReadField } from './read-field.js'
import { isGiven, type Fields } from './shape.js'

type ToolCall = Readonly<Record<string, unknown>>

/**
 * The calls of a message as templates take them, undefined where it has none or they need no change. Arguments in a text
 * of JSON, as OpenAI writes them, become the object: templates write it out again. The deprecated `function_call` is a
 * list of one.
 */
export function readToolCalls(message: Fields, path: string): ReadField<readonly ToolCall[] | undefined> | NoCalls {
  const { tool_calls: calls, function_call: deprecated } = message
  if (!isGiven(calls)) {
    if (!isGiven(deprecated)) return { value: undefined }
    const { value, problem } = readCall({ type: 'function', function: deprecated }, `${path}.function_call`, '')
    return value === undefined ? { problem } : { value: [value] }
  }
  if (!Array.isArray(calls)) return { problem: `${path}.tool_calls: expected array, received ${received(calls)}` }
  const read: ToolCall[] = []
  for (const [index, call] of (calls as readonly unknown[]).entries()) {
    const { value, problem } = readCall(call, `${path}.tool_calls[${index}]`, '.function')
    if (value === undefined) return { problem }
    read.push(value)
  }
  return { value: read.every((call, index) => call === calls[index]) ? undefined : read }
}

interface NoCalls {
  readonly value: undefined
  readonly problem?: undefined
}

/** A call `{ type, function: { name, arguments } }`, or `{ name, arguments }` alone. `inside` leads to these in messages. */
function readCall(call: unknown, path: string, inside: string): ReadField<ToolCall> {
  if (!isFields(call))
    return { problem: `${path}: expected { function: { name, arguments } }, received ${received(call)}` }
  const wrapped = isGiven(call['function'])
  const target = wrapped ? call['function'] : call
  const at = wrapped ? path + inside : path
  if (!isFields(target)) return { problem: `${at}: expected { name, arguments }, received ${received(target)}` }
  const { name, arguments: given } = target
  if (typeof name !== 'string' || name === '')
    return { problem: `${at}.name: expected string, received ${received(name)}` }
  if (typeof given !== 'string') {
    if (!isGiven(given) || isFields(given)) return { value: call }
    return { problem: `${at}.arguments: expected an object or its JSON, received ${received(given)}` }
  }
  const parsed = given.trim() === '' ? {} : jsonOf(given)
  if (!isFields(parsed))
    return { problem: `${at}.arguments: expected the JSON of an object, received '${shortened(given)}'` }
  const read = { ...target, arguments: parsed }
  return { value: wrapped ? { ...call, function: read } : read }
}

/** The tools of a row: `tools`, as a list or its JSON, or the deprecated `functions`. */
export function readTools({ tools, functions }: Fields, path = ''): ReadField<readonly Tool[]> {
  const name = !isGiven(tools) && isGiven(functions) ? 'functions' : 'tools'
  const given = name === 'tools' ? tools : functions
  if (!isGiven(given) || given === '') return { value: [] }
  const list = typeof given === 'string' ? jsonOf(given) : given
  if (!Array.isArray(list)) return { problem: `${path}${name}: expected array, received ${received(given)}` }
  const wrong = list.findIndex((tool) => !isFields(tool))
  if (wrong >= 0) return { problem: `${path}${name}[${wrong}]: expected an object, received ${received(list[wrong])}` }
  const described = list as readonly Tool[]
  return { value: name === 'tools' ? described : described.map((tool) => ({ type: 'function', function: tool })) }
}
