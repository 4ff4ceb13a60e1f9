import type { Message } from '../tokenizer/message.js'
import { instructionMessages, instructionProblem } from './instruction-shapes.js'
import { answerProblem } from './prompt-shapes.js'
import { isFields, received, type ReadField } from './read-field.js'
import { readMessages } from './read-messages.js'
import { readTools } from './read-tool-calls.js'
import { commonMessages, commonPrompt } from './shared-prompt.js'
import { isGiven, type Fields, type ParsedRow, type RowMeaning, type Shape } from './shape.js'

const openAiAnswers = [
  ['preferred_output', 'non_preferred_output'],
  ['preferred_completion', 'non_preferred_completion'],
] as const

/** OpenAI's preference lines, by the names of the guide or of the API's specification. */
export const openAiPreferenceShape: Shape = {
  name: 'preference',
  form: "a preference in the form of OpenAI's lines",
  expected: 'input ({ messages }), preferred_output and non_preferred_output (lists of one message)',
  detect: (fields) => openAiAnswers.some((names) => names.some((name) => isGiven(fields[name]))),
  reads: (fields) => ['input', ...answerNames(fields)],
  parse: (fields, meaning) => {
    const { input } = fields
    const [better, worse] = answerNames(fields)
    if (!isFields(input)) return { problem: `input: expected { messages }, received ${received(input)}` }
    const prompt = readMessages(input['messages'], 'input.messages', meaning.roles)
    if (prompt.value === undefined) return prompt
    const tools = readTools(input, 'input.')
    if (tools.value === undefined) return tools
    return withAnswers(
      prompt.value,
      fields,
      { better, worse, tools: tools.value, promptName: 'input.messages' },
      meaning,
    )
  },
}

function answerNames(fields: Fields): readonly [string, string] {
  return openAiAnswers.find((names) => names.some((name) => isGiven(fields[name]))) ?? openAiAnswers[0]
}

/** TRL's preferences, with a prompt of their own (text, messages, an instruction as Alpaca's) or in both answers. */
export const preferenceShape: Shape = {
  name: 'preference',
  form: "a preference (TRL's)",
  expected: 'prompt, chosen and rejected (strings or lists of { role, content })',
  detect: (fields) => isGiven(fields['chosen']) && isGiven(fields['rejected']),
  reads: (fields) => [...promptNames(fields), 'chosen', 'rejected', 'tools'],
  parse: (fields, meaning) => {
    const { prompt, chosen, rejected } = fields
    if (typeof chosen === 'string' && typeof rejected === 'string') return parseTexts(fields, chosen, rejected, meaning)
    const whole = readPair(fields, meaning)
    if (whole.value === undefined) return whole
    const tools = readTools(fields)
    if (tools.value === undefined) return tools
    const answers = { better: 'chosen', worse: 'rejected', tools: tools.value, promptName: 'prompt' }
    const name = promptNames(fields)[0]
    // Some datasets give the prompt as a text and whole conversations beside it, which say more.
    if (name === undefined || (typeof prompt === 'string' && whole.value.chosen[0]?.role !== 'assistant')) {
      const { value, problem } = commonMessages(whole.value.chosen, whole.value.rejected)
      if (value === undefined) return { problem }
      return withAnswers(value.prompt, value, answers, meaning)
    }
    const asked = readPrompt(fields, name, meaning)
    return asked.value === undefined ? asked : withAnswers(asked.value, fields, answers, meaning)
  },
}

// What datasets call a prompt; of these only the ones read here are taken without being named in options.fields.
const promptNamesRead = ['prompt', 'instruction', 'conversations'] as const
const promptNamesUnread = ['question', 'query', 'input', 'context', 'request']

function promptNames(fields: Fields): readonly string[] {
  const name = promptNamesRead.find((candidate) => isGiven(fields[candidate]))
  return name === undefined ? [] : name === 'instruction' ? ['instruction', 'input', 'system', 'history'] : [name]
}

function parseTexts(fields: Fields, chosen: string, rejected: string, meaning: RowMeaning): ParsedRow {
  for (const name of ['chosen', 'rejected']) {
    if (String(fields[name]).trim() === '') return { problem: `${name} is empty` }
  }
  const [name] = promptNames(fields)
  if (name === undefined) {
    const other = promptNamesUnread.find((candidate) => isGiven(fields[candidate]))
    if (other !== undefined) {
      return {
        problem: `chosen and rejected have no prompt; if ${other} is it, say it: fields: { prompt: '${other}' }`,
      }
    }
    const { value, problem } = commonPrompt(chosen, rejected)
    return value === undefined ? { problem } : { row: value }
  }
  if (name === 'prompt' && typeof fields[name] === 'string') return { row: { prompt: fields[name], chosen, rejected } }
  const prompt = readPrompt(fields, name, meaning)
  if (prompt.value === undefined) return prompt
  const answers = { better: 'chosen', worse: 'rejected', tools: [], promptName: name }
  const messages = { chosen: [answerOf(chosen)], rejected: [answerOf(rejected)] }
  return withAnswers(prompt.value, messages, answers, meaning)
}

function readPrompt(fields: Fields, name: string, { roles }: RowMeaning): ReadField<readonly Message[]> {
  const value = fields[name]
  if (name === 'instruction') {
    const problem = instructionProblem(fields)
    return problem === undefined ? { value: instructionMessages(fields) } : { problem }
  }
  return typeof value === 'string' ? { value: [{ role: 'user', content: value }] } : readMessages(value, name, roles)
}

interface Pair {
  readonly chosen: readonly Message[]
  readonly rejected: readonly Message[]
}

function readPair(fields: Fields, { roles }: RowMeaning): ReadField<Pair> {
  const chosen = readMessages(listOf(fields['chosen']), 'chosen', roles)
  if (chosen.value === undefined) return chosen
  const rejected = readMessages(listOf(fields['rejected']), 'rejected', roles)
  if (rejected.value === undefined) return rejected
  return { value: { chosen: chosen.value, rejected: rejected.value } }
}

interface Answers {
  /** The fields of the better and the worse answer. */
  readonly better: string
  readonly worse: string
  readonly promptName: string
  readonly tools: readonly Readonly<Record<string, unknown>>[]
}

/** The row of a prompt and the two answers in `fields`. */
function withAnswers(
  prompt: readonly Message[],
  fields: object,
  { better, worse, promptName, tools }: Answers,
  { roles }: RowMeaning,
): ParsedRow {
  const read: (readonly Message[])[] = []
  for (const name of [better, worse]) {
    const answer = readMessages(listOf((fields as Fields)[name]), name, roles)
    if (answer.value === undefined) return answer
    const problem = answerProblem(prompt, answer.value, name)
    if (problem !== undefined) return { problem: problem.replace(/^prompt\[/, `${promptName}[`) }
    read.push(answer.value)
  }
  const [chosen = [], rejected = []] = read
  return { row: { prompt, chosen, rejected, ...(tools.length === 0 ? {} : { tools }) } }
}

/** One message stands for a list of it, a text for the assistant's. */
function listOf(value: unknown): unknown {
  if (typeof value === 'string') return [answerOf(value)]
  return isFields(value) ? [value] : value
}

function answerOf(content: string): Message {
  return { role: 'assistant', content }
}
