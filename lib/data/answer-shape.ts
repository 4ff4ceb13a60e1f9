import { z } from 'zod'

import { codePointIndex, codePointLength, sliceCodePoints } from './code-points.js'
import { shortened } from './read-field.js'
import type { QuestionAnsweringRow } from './rows.js'
import { filledText, isGiven, parsed, type Fields, type ParsedRow, type Shape } from './shape.js'

const start = z.number().int()
const textsSchema = z.object({ question: filledText, context: filledText })
// The columns of the Hub's SQuAD, the list of the original files, and one answer in fields of its own.
const columnsSchema = textsSchema.extend({
  answers: z.object({ text: z.array(z.string()), answer_start: z.array(start) }),
})
const listSchema = textsSchema.extend({ answers: z.array(z.object({ text: z.string(), answer_start: start })) })
const singleSchema = textsSchema.extend({ answer: z.string(), answer_start: start })

export const questionAnsweringShape: Shape = {
  name: 'question-answering',
  form: 'a question, the text that answers it, and where (SQuAD)',
  reads: ({ answers }) => ['question', 'context', ...(isGiven(answers) ? ['answers'] : ['answer', 'answer_start'])],
  expected: 'question, context and answers ({ text, answer_start }, lists) or answer and answer_start',
  detect: (fields) => isGiven(fields['question']) && isGiven(fields['context']),
  parse: (fields) => {
    const result = parseAnswers(fields)
    if (result.row === undefined || !('answers' in result.row)) return result
    return placed(result.row)
  },
}

function parseAnswers(fields: Fields): ParsedRow {
  const { answers } = fields
  if (Array.isArray(answers)) {
    return parsed(listSchema, fields, ({ question, context, answers: list }) => ({
      question,
      context,
      answers: { text: list.map(({ text }) => text), answer_start: list.map((answer) => answer.answer_start) },
    }))
  }
  if (isGiven(answers)) return parsed(columnsSchema, fields, (row) => row)
  if (!('answer' in fields)) {
    return { problem: 'answers is missing (where the context has no answer, give an empty list)' }
  }
  const none = fields['answer'] === null || fields['answer'] === ''
  const schema = none ? textsSchema : singleSchema
  return parsed(schema, fields, ({ question, context, ...rest }) => {
    const { answer, answer_start: at } = rest as { answer?: string; answer_start?: number }
    const given = answer !== undefined && at !== undefined
    return { question, context, answers: { text: given ? [answer] : [], answer_start: given ? [at] : [] } }
  })
}

/**
 * The row with starts in code points, as Python counts and tokenizers do. A start that only fits as JavaScript counts
 * (UTF-16 units) is taken as that: the answer's text tells.
 */
function placed(row: QuestionAnsweringRow): ParsedRow {
  const { context, answers } = row
  if (answers.text.length !== answers.answer_start.length) {
    return {
      problem: `answers.text has ${answers.text.length} entries, answers.answer_start has ${answers.answer_start.length}`,
    }
  }
  const starts: number[] = []
  for (const [index, text] of answers.text.entries()) {
    const at = answers.answer_start[index] ?? -1
    if (text.trim() === '') return { problem: `answers.text[${index}] is empty` }
    if (at >= 0 && sliceCodePoints(context, at, at + codePointLength(text)) === text) starts.push(at)
    else if (at >= 0 && context.startsWith(text, at)) starts.push(codePointIndex(context, at))
    else return { problem: misplaced(context, text, at) }
  }
  return { row: { ...row, answers: { text: answers.text, answer_start: starts } } }
}

function misplaced(context: string, text: string, at: number): string {
  const length = codePointLength(context)
  const end = at + codePointLength(text)
  if (at < 0 || end > length) {
    return `the answer '${shortened(text)}' at ${at} to ${end} lies outside the context of ${length} characters`
  }
  const found = context.indexOf(text)
  const hint = found < 0 ? 'it does not contain the answer' : `the answer stands at ${codePointIndex(context, found)}`
  const there = shortened(sliceCodePoints(context, at, end))
  return `answer_start ${at} points at '${there}' in the context, not at the answer '${shortened(text)}'; ${hint}`
}
