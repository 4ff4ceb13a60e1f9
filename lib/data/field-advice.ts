import { isGiven, type Fields } from './shape.js'

// Names that datasets use for the two sides of a row, and for a text and its class.
const promptNames = ['question', 'query', 'instruction', 'input', 'problem', 'request', 'user']
/** What datasets call an answer. */
export const answerNames: readonly string[] = [
  'answer',
  'response',
  'output',
  'reply',
  'solution',
  'assistant',
  'completion',
]
const textNames = ['sentence', 'content', 'document', 'review', 'message', 'body', 'utterance', 'text']
const classNames = ['category', 'intent', 'class', 'target', 'sentiment', 'topic', 'label']

/** What to say about fields that no shape reads: which of them look like ones that it would. '' where none does. */
export function fieldAdvice(fields: Fields): string {
  const found = (names: readonly string[]): string | undefined => names.find((name) => isGiven(fields[name]))
  const pairs: (readonly [string, string | undefined, string, string | undefined])[] = [
    ['prompt', found(promptNames), 'completion', found(answerNames)],
    ['text', found(textNames), 'label', found(classNames)],
  ]
  for (const [first, theirFirst, second, theirSecond] of pairs) {
    if (theirFirst === undefined || theirSecond === undefined) continue
    return `; the option fields says what they are, perhaps { ${first}: '${theirFirst}', ${second}: '${theirSecond}' }`
  }
  const text = found(textNames)
  return text === undefined ? '' : `; the option fields says what they are, perhaps { text: '${text}' }`
}
