import { describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import type { RowOptions } from '../../lib/data/row-reader.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { refusal } from '../refusal.js'

const read = (row: unknown, options: RowOptions = {}): { shape: string | undefined; row: DatasetRow | undefined } => {
  const dataset = Dataset.from([row as DatasetRow], options)
  return { shape: dataset.shape, row: dataset.rows[0] }
}
const user = { role: 'user', content: 'Hi' }
const assistant = { role: 'assistant', content: 'Hello' }
const call = (name: string, args: unknown, id?: string): object => ({
  ...(id === undefined ? {} : { id }),
  type: 'function',
  function: { name, arguments: args },
})

describe('conversations', () => {
  test("OpenAI's chat lines: developer, weight, calls with their arguments in a text, tools, parallel calls", () => {
    const tools = [{ type: 'function', function: { name: 'add' } }]
    const line = {
      messages: [
        { role: 'developer', content: 'Be short.' },
        { ...user, name: 'ada' },
        { role: 'assistant', content: null, tool_calls: [call('add', '{"a": 1}', 'x')] },
        { role: 'tool', content: '2', tool_call_id: 'x' },
        { ...assistant, weight: 0 },
        user,
        { ...assistant, weight: 1 },
      ],
      tools,
      parallel_tool_calls: false,
    }
    const messages = [
      { role: 'system', content: 'Be short.' },
      { ...user, name: 'ada' },
      { role: 'assistant', content: null, tool_calls: [call('add', { a: 1 }, 'x')] },
      ...line.messages.slice(3),
    ]
    expect(read(line)).toEqual({ shape: 'messages', row: { messages, tools, parallel_tool_calls: false } })
  })

  test('deprecated functions and function_call become tools and tool_calls', () => {
    const line = {
      messages: [
        user,
        { role: 'assistant', content: null, function_call: { name: 'add', arguments: '{"a":1}' } },
        { role: 'function', name: 'add', content: '2' },
        assistant,
      ],
      functions: [{ name: 'add', parameters: {} }],
    }
    expect(read(line).row).toEqual({
      messages: [
        user,
        { role: 'assistant', content: null, tool_calls: [call('add', { a: 1 })] },
        { role: 'tool', name: 'add', content: '2' },
        assistant,
      ],
      tools: [{ type: 'function', function: { name: 'add', parameters: {} } }],
    })
  })

  test('a message that needs no change is the one that was given; nulls are no fields', () => {
    const messages = [
      { ...user, name: null, tool_calls: null },
      { ...assistant, weight: null },
    ]
    const { row } = read({ messages, tools: null })
    expect(row).toEqual({ messages })
    expect((row as { messages: object[] }).messages[0]).toBe(messages[0])
  })

  test('ShareGPT: human, gpt, calls and observations, a system field, tools as JSON', () => {
    const conversations = [
      { from: 'human', value: 'Add.' },
      { from: 'function_call', value: '{"name": "add", "arguments": {"a": 1}}' },
      { from: 'observation', value: '2' },
      { from: 'gpt', value: 'Two.', weight: 1 },
    ]
    expect(read({ conversations, system: 'Be short.', tools: '[{"name": "add"}]', id: 3 })).toEqual({
      shape: 'messages',
      row: {
        messages: [
          { role: 'system', content: 'Be short.' },
          { role: 'user', content: 'Add.' },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ type: 'function', function: { name: 'add', arguments: { a: 1 } } }],
          },
          { role: 'tool', content: '2' },
          { role: 'assistant', content: 'Two.', weight: 1 },
        ],
        tools: [{ name: 'add' }],
      },
    })
    // In this form a call may be plain text, and some datasets use OpenAI's keys under this name.
    const plain = [
      { from: 'human', value: 'a' },
      { from: 'gpt', value: 'call()' },
      { from: 'tool', value: 'b' },
      { from: 'gpt', value: 'c' },
    ]
    expect(read({ conversations: plain }).shape).toBe('messages')
    expect(read({ conversations: [user, assistant] }).row).toEqual({ messages: [user, assistant] })
  })

  test('Alpaca: a conversation, or its own prompt where that is asked for', () => {
    const row = { instruction: 'Add.', input: '1 and 2', output: '3', text: 'Below is …' }
    expect(read(row)).toEqual({
      shape: 'messages',
      row: {
        messages: [
          { role: 'user', content: 'Add.\n\n1 and 2' },
          { role: 'assistant', content: '3' },
        ],
      },
    })
    expect(read({ instruction: 'Hi', input: '', output: 'Hello' }).row).toEqual({ messages: [user, assistant] })
    const asked = { shape: 'prompt-completion' } as const
    expect(read(row, asked)).toMatchObject({ shape: 'prompt-completion', row: { completion: '3' } })
    expect((read(row, asked).row as { prompt: string }).prompt).toContain('### Input:\n1 and 2\n\n### Response:\n')
    expect((read({ ...row, input: null }, asked).row as { prompt: string }).prompt).not.toContain('Input')
    expect(read(row, { shape: 'text' }).row).toEqual({ text: 'Below is …' })
    const history = [['Hi', 'Hello']]
    expect(read({ ...row, input: '', history, system: 'S' }).row).toEqual({
      messages: [
        { role: 'system', content: 'S' },
        user,
        { ...assistant, weight: 0 },
        { role: 'user', content: 'Add.' },
        { role: 'assistant', content: '3' },
      ],
    })
  })

  test("TRL's conversational prompt and completion: only the completion is learnt", () => {
    const prompt = [user, assistant, user]
    expect(read({ prompt, completion: [assistant] })).toEqual({
      shape: 'messages',
      row: { messages: [user, { ...assistant, weight: 0 }, user, assistant] },
    })
  })

  test('further roles are taken where the options name them', () => {
    const messages = [{ role: 'context', content: 'c' }, user, assistant]
    expect(read({ messages }, { roles: ['context'] }).row).toEqual({ messages })
  })

  const called = { role: 'assistant', content: null, tool_calls: [call('add', {}, 'x')] }
  test.each<[object, string[]]>([
    [
      { messages: [user, { role: 'asistant', content: 'x' }] },
      ['messages[1].role', "'asistant' is no role", '"assistant"'],
    ],
    [{ messages: [user, assistant, assistant] }, ['messages[2].role', 'two assistant turns in a row']],
    [{ messages: [user, { role: 'tool', content: 'x' }, assistant] }, ['messages[1].role', 'without a call before it']],
    [{ messages: [user, assistant, { role: 'tool', content: 'x' }] }, ['messages[2].role', 'without a call before it']],
    [
      { messages: [user, called, { role: 'tool', content: 'x', tool_call_id: 'y' }] },
      ['messages[2].tool_call_id', "'y'", '(x)'],
    ],
    [{ messages: [{ ...user, weight: 1 }, assistant] }, ['messages[0].weight', 'of the user']],
    [{ messages: [user, { ...assistant, weight: 0.5 }] }, ['messages[1].weight', 'expected 0 or 1', '0.5']],
    [{ messages: [user] }, ['no message is of the assistant']],
    [{ messages: [user, { role: 'assistant', weight: 1 }] }, ['messages[1] has neither content nor tool_calls']],
    [{ messages: [user, 'Hello'] }, ['messages[1]: expected { role, content }', 'a string']],
    [{ messages: [{ role: 'user', content: [{ text: 'x' }] }, assistant] }, ['messages[0].content', 'list of parts']],
    [{ messages: [{ ...user, name: 3 }, assistant] }, ['messages[0].name', 'a number']],
    [{ messages: [user, { ...called, tool_calls: 'x' }] }, ['messages[1].tool_calls: expected array']],
    [{ messages: [user, { ...called, tool_calls: [call('', {})] }] }, ['messages[1].tool_calls[0].function.name']],
    [{ messages: [user, { ...called, tool_calls: [call('f', '{')] }] }, ['tool_calls[0].function.arguments', "'{'"]],
    [
      { messages: [user, { role: 'assistant', function_call: { name: 'f', arguments: 3 } }] },
      ['messages[1].function_call.arguments'],
    ],
    [{ messages: [user, assistant], tools: 'x' }, ['tools: expected array']],
    [{ messages: [user, assistant], tools: [3] }, ['tools[0]', 'a number']],
    [{ messages: [user, assistant], parallel_tool_calls: 'no' }, ['parallel_tool_calls: expected boolean']],
    [{ conversations: [{ from: 'humann', value: 'x' }] }, ["conversations[0].from: 'humann' is no role", '"human"']],
    [{ conversations: [{ from: 'human', value: 3 }] }, ['conversations[0].value: expected string']],
    [
      {
        conversations: [
          { from: 'gpt', value: 'x' },
          { from: 'gpt', value: 'y' },
        ],
      },
      ['conversations[1].role', 'two assistant turns'],
    ],
    [{ instruction: 'x', output: 3 }, ['output: expected string']],
    [{ instruction: ' ', output: 'x' }, ['instruction is empty']],
    [{ instruction: 'x', output: 'y', history: ['z'] }, ['history', 'pairs']],
    [{ prompt: [user], completion: [user] }, ['no message is of the assistant']],
    [{ prompt: [user, assistant], completion: [assistant] }, ['completion[0].role', 'two assistant turns']],
    [{ prompt: [user], completion: 'x' }, ['prompt is a list and completion a string']],
    [{ prompt: 'x' }, ['a prompt without a completion', 'chosen and rejected']],
    [{ prompt: 'x', response: 'y' }, ["fields: { completion: 'response' }"]],
  ])('%j is refused', (row, parts) => {
    const error = refusal(() => read(row))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: 'row 0' })
    for (const part of parts) expect(String(error)).toContain(part)
  })
})
