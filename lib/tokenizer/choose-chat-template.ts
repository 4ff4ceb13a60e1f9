import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import { builtInTemplateNames, builtInTemplates, type BuiltInTemplate } from './chat-templates/index.js'
import { readTextIfThere } from './tokenizer-files.js'

/** As much of a tokenizer as says whether a template suits it. */
interface Vocabulary {
  readonly directory: string
  readonly specialTokens: Readonly<Partial<Record<string, string>>>
  tokenToId(token: string): number | undefined
}

/**
 * The text of a chat template, and where it is from: a built-in one by its name, a file, or the text itself.
 * @throws AttuneError 'invalid-option' (neither), 'invalid-chat-template' (a built-in one that writes tokens which the
 * vocabulary has not)
 */
export async function chooseChatTemplate(
  given: string,
  vocabulary: Vocabulary,
): Promise<{ readonly source: string; readonly where: string }> {
  const where = 'options.chatTemplate'
  const name = builtInTemplateNames.find((builtIn) => builtIn === given)
  if (name !== undefined) {
    requireTokens(name, builtInTemplates[name], vocabulary)
    return { source: builtInTemplates[name].source, where: `chat template '${name}'` }
  }
  if (/\{[{%]/.test(given)) return { source: given, where }
  const source = given.includes('\n') ? undefined : await readTextIfThere(given)
  if (source !== undefined) return { source, where: given }
  const names = builtInTemplateNames.map((builtIn) => `'${builtIn}'`).join(', ')
  const message = `${where}: expected one of ${names}, a file, or a template's text, received '${given.slice(0, 80)}'.${suggestion(given, [...builtInTemplateNames])}`
  throw new AttuneError('invalid-option', message, { where })
}

function requireTokens(name: string, { marks, roles }: BuiltInTemplate, vocabulary: Vocabulary): void {
  const absent = [
    ...marks.filter((mark) => vocabulary.tokenToId(mark) === undefined),
    ...roles.filter((role) => vocabulary.specialTokens[role] === undefined).map((role) => `the ${role}`),
  ]
  if (absent.length === 0) return
  const others = Object.entries<BuiltInTemplate>(builtInTemplates).filter(([, template]) =>
    isComplete(template, vocabulary),
  )
  const fitting = others.map(([other]) => `'${other}'`).join(' or ')
  const instead = fitting === '' ? 'give the tokenizer an eos_token' : `choose ${fitting}, which it has the tokens for`
  const message = `the chat template '${name}' writes ${absent.join(', ')}, and the tokenizer in ${vocabulary.directory} has no such token: add what is missing to the tokenizer, or ${instead}`
  throw new AttuneError('invalid-chat-template', message, { where: 'options.chatTemplate' })
}

function isComplete({ marks, roles }: BuiltInTemplate, vocabulary: Vocabulary): boolean {
  return (
    marks.every((mark) => vocabulary.tokenToId(mark) !== undefined) &&
    roles.every((role) => vocabulary.specialTokens[role] !== undefined)
  )
}
