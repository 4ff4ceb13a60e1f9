import type { Message } from '../tokenizer/message.js'
import { received } from './read-field.js'
import { isGiven, type Fields, type Shape } from './shape.js'

interface Instruction {
  readonly system: string
  readonly instruction: string
  readonly input: string
  /** Earlier turns: what was asked and what was answered. */
  readonly history: readonly (readonly [string, string])[]
}

const reads = (): readonly string[] => ['instruction', 'input', 'output', 'system', 'history']

/** Alpaca's rows as conversations, for the template of the model. */
export const alpacaShape: Shape = {
  name: 'messages',
  form: 'an instruction in the form of Alpaca',
  expected: 'instruction (and input) and output (strings)',
  detect: (fields) => isGiven(fields['instruction']) && isGiven(fields['output']),
  reads,
  parse: (fields) => {
    const problem = outputProblem(fields) ?? instructionProblem(fields)
    if (problem !== undefined) return { problem }
    const answer = { role: 'assistant', content: fields['output'] as string }
    return { row: { messages: [...instructionMessages(fields), answer] } }
  },
}

/** The same rows as one prompt in Alpaca's own words, where 'prompt-completion' is asked for. */
export const alpacaPromptShape: Shape = {
  ...alpacaShape,
  name: 'prompt-completion',
  form: "an instruction in the form of Alpaca, in Alpaca's own prompt",
  parse: (fields) => {
    const problem = outputProblem(fields) ?? instructionProblem(fields)
    if (problem !== undefined) return { problem }
    return { row: { prompt: alpacaPrompt(fields), completion: fields['output'] as string } }
  },
}

function outputProblem({ output }: Fields): string | undefined {
  return typeof output === 'string' ? undefined : `output: expected string, received ${received(output)}`
}

/** What is wrong with the instruction and what stands with it, undefined where nothing is. */
export function instructionProblem(fields: Fields): string | undefined {
  const { instruction, history } = fields
  if (typeof instruction !== 'string') return `instruction: expected string, received ${received(instruction)}`
  if (instruction.trim() === '') return 'instruction is empty'
  for (const name of ['input', 'system']) {
    const value = fields[name]
    if (isGiven(value) && typeof value !== 'string') return `${name}: expected string, received ${received(value)}`
  }
  const isTurn = (turn: unknown): boolean =>
    Array.isArray(turn) && turn.length === 2 && turn.every((text) => typeof text === 'string')
  if (!isGiven(history) || (Array.isArray(history) && history.every(isTurn))) return undefined
  return 'history: expected a list of pairs of strings, what was asked and what was answered'
}

/** The messages up to the answer. The fields were checked. */
export function instructionMessages(fields: Fields): readonly Message[] {
  const { system, history, instruction, input } = instructionOf(fields)
  return [
    ...(system === '' ? [] : [{ role: 'system', content: system }]),
    ...history.flatMap(([asked, answered]) => [
      { role: 'user', content: asked },
      { role: 'assistant', content: answered, weight: 0 },
    ]),
    { role: 'user', content: input.trim() === '' ? instruction : `${instruction}\n\n${input}` },
  ]
}

/** The prompt that Stanford's Alpaca was trained with. */
function alpacaPrompt(fields: Fields): string {
  const { instruction, input } = instructionOf(fields)
  const task = 'Below is an instruction that describes a task'
  const answer = 'Write a response that appropriately completes the request.'
  return input.trim() === ''
    ? `${task}. ${answer}\n\n### Instruction:\n${instruction}\n\n### Response:\n`
    : `${task}, paired with an input that provides further context. ${answer}\n\n` +
        `### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:\n`
}

function instructionOf(fields: Fields): Instruction {
  const { system, instruction, input, history } = fields as Partial<Record<keyof Instruction, string | null>>
  return {
    system: system ?? '',
    instruction: instruction ?? '',
    input: input ?? '',
    history: (history ?? []) as unknown as Instruction['history'],
  }
}
