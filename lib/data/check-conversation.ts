import type { Message } from '../tokenizer/message.js'
import { isGiven, type Fields } from './shape.js'

// A call written into the text, as models without a template for calls do it.
const callInText = /<tool_call>|<function|\[TOOL_CALLS\]|<\|python_tag\|>|<functioncall>/

export interface ConversationRules {
  /** Where a message stands in the row, for messages. Default: `messages[index]`. */
  readonly pathOf?: ((index: number) => string) | undefined
  /** Whether any answer of the assistant may be a call, as in forms where calls are plain text. Default: false. */
  readonly callsAreText?: boolean | undefined
}

/**
 * What is wrong with the order of a conversation, undefined where nothing is: two turns of the assistant in a row, a
 * tool's result without a call before it, nothing from the assistant.
 */
export function conversationProblem(messages: readonly Message[], rules: ConversationRules = {}): string | undefined {
  const { pathOf = (index: number) => `messages[${index}]`, callsAreText = false } = rules
  // The assistant's message whose calls are being answered.
  let calling: Message | undefined
  let answered = false
  for (const [index, message] of messages.entries()) {
    const previous = messages[index - 1]
    if (message.role === 'assistant') {
      if (previous?.role === 'assistant') {
        return `${pathOf(index)}.role: two assistant turns in a row; join them, or put what came between`
      }
      answered = true
    } else if (message.role === 'tool') {
      if (previous?.role !== 'tool') calling = previous
      const problem = resultProblem(message, calling, callsAreText)
      if (problem !== undefined) return `${pathOf(index)}${problem}`
    }
  }
  return answered ? undefined : 'no message is of the assistant: there is nothing to learn'
}

/** What is wrong with a tool's result that follows this message. */
function resultProblem(result: Message, calling: Message | undefined, callsAreText: boolean): string | undefined {
  const calls = calling?.role === 'assistant' ? calling['tool_calls'] : undefined
  if (!Array.isArray(calls) || calls.length === 0) {
    const text = calling?.role === 'assistant' && typeof calling.content === 'string' ? calling.content : undefined
    if (text !== undefined && (callsAreText || callInText.test(text))) return undefined
    return '.role: a tool message without a call before it; the assistant message before it should have tool_calls'
  }
  const ids = calls.map((call) => (call as Fields)['id']).filter((id) => typeof id === 'string')
  const answers = result['tool_call_id']
  if (!isGiven(answers) || ids.length < calls.length || ids.includes(String(answers))) return undefined
  return `.tool_call_id: '${String(answers)}' is none of the calls before it (${ids.join(', ')})`
}
