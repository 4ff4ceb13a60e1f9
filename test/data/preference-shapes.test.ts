import { describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { requireShape } from '../../lib/data/task.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { refusal } from '../refusal.js'

const read = (row: unknown): { shape: string | undefined; row: DatasetRow | undefined } => {
  const dataset = Dataset.from([row as DatasetRow])
  return { shape: dataset.shape, row: dataset.rows[0] }
}
const user = { role: 'user', content: 'Hi' }
const good = { role: 'assistant', content: 'Hello!' }
const bad = { role: 'assistant', content: 'What?' }
const conversational = { prompt: [user], chosen: [good], rejected: [bad] }

describe('preferences', () => {
  test.each<[string, object, object]>([
    ["TRL's texts", { prompt: 'a', chosen: 'b', rejected: 'c' }, { prompt: 'a', chosen: 'b', rejected: 'c' }],
    [
      'texts with the prompt in both',
      { chosen: 'Q: sky? A: blue', rejected: 'Q: sky? A: green' },
      { prompt: 'Q: sky? A:', chosen: ' blue', rejected: ' green' },
    ],
    ["TRL's messages", conversational, conversational],
    ['messages with the prompt in both', { chosen: [user, good], rejected: [user, bad] }, conversational],
    [
      'a text beside whole conversations',
      { prompt: 'Hi', chosen: [user, good], rejected: [user, bad] },
      conversational,
    ],
    ['a text beside answers in messages', { prompt: 'Hi', chosen: [good], rejected: [bad] }, conversational],
    ['messages beside answers in texts', { prompt: [user], chosen: 'Hello!', rejected: 'What?' }, conversational],
    [
      "OpenAI's lines, as in its guide",
      { input: { messages: [user], tools: [] }, preferred_output: [good], non_preferred_output: [bad] },
      conversational,
    ],
    [
      "OpenAI's lines, as in its specification",
      {
        input: { messages: [user], tools: [{ name: 'f' }], parallel_tool_calls: true },
        preferred_completion: [good],
        non_preferred_completion: [bad],
      },
      { ...conversational, tools: [{ name: 'f' }] },
    ],
    [
      "Alpaca's fields beside two answers",
      { instruction: 'Hi', input: '', output: 'x', chosen: 'Hello!', rejected: 'What?' },
      conversational,
    ],
    [
      "ShareGPT's conversations and answers",
      {
        conversations: [{ from: 'human', value: 'Hi' }],
        chosen: { from: 'gpt', value: 'Hello!' },
        rejected: { from: 'gpt', value: 'What?' },
      },
      conversational,
    ],
  ])('%s', (_, given, row) => {
    expect(read(given)).toEqual({ shape: 'preference', row })
  })

  test.each<[object, object]>([
    [
      { prompt: 'a', completion: 'b', label: true },
      { prompt: 'a', completion: 'b', label: true },
    ],
    [
      { prompt: [user], completion: [bad], label: false, x: 1 },
      { prompt: [user], completion: [bad], label: false },
    ],
  ])('unpaired: %j', (given, row) => {
    expect(read(given)).toEqual({ shape: 'unpaired-preference', row })
  })

  test('a label that is neither true nor false makes no preference', () => {
    expect(read({ prompt: 'a', completion: 'b', label: 1 }).shape).toBe('prompt-completion')
  })

  test('a prompt in both is never cut within a character', () => {
    const { row } = read({ chosen: 'Smile 😀', rejected: 'Smile 😁' })
    expect(row).toEqual({ prompt: 'Smile', chosen: ' 😀', rejected: ' 😁' })
  })

  test.each<[object, string[]]>([
    [{ chosen: 'Yes', rejected: 'No' }, ['no prompt']],
    [{ chosen: 'The b', rejected: 'The c', question: 'q' }, ['no prompt', "fields: { prompt: 'question' }"]],
    [{ chosen: 'same', rejected: 'same' }, ['begins with the whole other']],
    [{ prompt: 'a', chosen: 'b', rejected: ' ' }, ['rejected is empty']],
    [{ chosen: [good], rejected: [bad] }, ['no prompt']],
    [{ ...conversational, chosen: [user] }, ['chosen', 'no message is of the assistant']],
    [{ ...conversational, prompt: [user, good] }, ['chosen[0].role', 'two assistant turns in a row']],
    [{ ...conversational, rejected: [{ role: 'bot', content: 'x' }] }, ["rejected[0].role: 'bot' is no role"]],
    [{ preferred_output: [good], non_preferred_output: [bad] }, ['input: expected { messages }', 'nothing']],
    [
      { input: { messages: [user] }, preferred_output: [good] },
      ['non_preferred_output: expected array, received nothing'],
    ],
    [
      { input: { messages: [user, good, good] }, preferred_output: [good], non_preferred_output: [bad] },
      ['input.messages[2].role', 'two assistant turns'],
    ],
    [{ prompt: 'a', chosen: 'b' }, ['a prompt without a completion', 'chosen and rejected']],
  ])('%j is refused', (row, parts) => {
    const error = refusal(() => read(row))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: 'row 0' })
    for (const part of parts) expect(String(error)).toContain(part)
  })

  test('tasks that do not learn from preferences name the shape and what they take', () => {
    const dataset = Dataset.from([{ prompt: 'a', chosen: 'b', rejected: 'c' }])
    const error = String(refusal(() => requireShape(dataset, 'causal-lm', ['messages', 'prompt-completion', 'text'])))
    for (const part of [
      "'preference'",
      'does not do yet',
      "'messages' or 'prompt-completion' or 'text'",
      'better answers',
    ]) {
      expect(error).toContain(part)
    }
  })
})
