import type { Message } from '../tokenizer/message.js'
import type { ReadField } from './read-field.js'

interface SharedPrompt<Text> {
  readonly prompt: Text
  readonly chosen: Text
  readonly rejected: Text
}

/**
 * Takes the prompt off two texts that begin with it, as TRL's `extract_prompt` does: what they have in common, without
 * the space at its end.
 */
export function commonPrompt(chosen: string, rejected: string): ReadField<SharedPrompt<string>> {
  const length = Math.min(chosen.length, rejected.length)
  let end = 0
  while (end < length && chosen.charCodeAt(end) === rejected.charCodeAt(end)) end++
  if (end === chosen.length || end === rejected.length) {
    return { problem: 'one of chosen and rejected begins with the whole other: give the prompt in a field of its own' }
  }
  // Not between the two halves of a character.
  if (end > 0 && isHighSurrogate(chosen.charCodeAt(end - 1))) end--
  if (chosen[end - 1] === ' ') end--
  const prompt = chosen.slice(0, end)
  if (prompt.trim() === '') {
    return { problem: 'chosen and rejected have no prompt: give it as prompt, or begin both with it' }
  }
  return { value: { prompt, chosen: chosen.slice(end), rejected: rejected.slice(end) } }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

/** Takes the prompt off two conversations that begin with it: their common messages, the last answer left out. */
export function commonMessages(
  chosen: readonly Message[],
  rejected: readonly Message[],
): ReadField<SharedPrompt<readonly Message[]>> {
  // Where both are the same, something should still be the answer.
  const length = Math.min(chosen.length, rejected.length) - 1
  let end = 0
  while (end < length && JSON.stringify(chosen[end]) === JSON.stringify(rejected[end])) end++
  if (end === 0) return { problem: 'chosen and rejected have no prompt: give it as prompt, or begin both with it' }
  return {
    value: { prompt: chosen.slice(0, end), chosen: chosen.slice(end), rejected: rejected.slice(end) },
  }
}
