import { DecodeStream } from '../tokenizer/decode-stream.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Task } from '../task.js'
import { isLabelled, type EncodedExample } from './example.js'
import { ignoredLabel } from './row-encoders.js'

/** A piece of an example's text, to be coloured. */
export interface ExamplePiece {
  readonly text: string
  /** Whether the model is trained to write it, or to say something of it. */
  readonly trained: boolean
  /** Whether it is a special token, such as the mark of a turn. */
  readonly special: boolean
}

interface MarkedId {
  readonly id: number
  readonly trained: boolean
}

/**
 * An example as text, in pieces that are trained on or only read; all texts joined are the whole. A character that several
 * tokens make up is trained where any of them is.
 * @param task says what the labels are. Default: 'causal-lm'
 */
export async function showExample(
  example: EncodedExample,
  tokenizer: Pick<Tokenizer, 'decode'>,
  { task = 'causal-lm' }: { readonly task?: Task | undefined } = {},
): Promise<ExamplePiece[]> {
  const pieces: ExamplePiece[] = []
  for (const ids of textsOf(example, task)) {
    const stream = new DecodeStream((list) => tokenizer.decode(list, { skipSpecialTokens: false }))
    // Of tokens whose text is not settled yet: half a character.
    let held = { trained: false, special: false }
    for (const { id, trained } of ids) {
      const special = await isSpecial(id, tokenizer)
      // What came before a special token can no longer change.
      if (special) add(pieces, await stream.flush(), held)
      const text = await stream.push(id)
      const marks = { trained: held.trained || trained, special }
      add(pieces, text, marks)
      held = text === '' ? marks : { trained: false, special: false }
    }
    add(pieces, await stream.flush(), held)
  }
  return pieces
}

function add(pieces: ExamplePiece[], text: string, { trained, special }: Omit<ExamplePiece, 'text'>): void {
  if (text === '') return
  const last = pieces.at(-1)
  if (last?.trained !== trained || last.special !== special) pieces.push({ text, trained, special })
  else pieces[pieces.length - 1] = { text: last.text + text, trained, special }
}

/** A special token is what decoding leaves out. */
async function isSpecial(id: number, tokenizer: Pick<Tokenizer, 'decode'>): Promise<boolean> {
  return (
    (await tokenizer.decode([id], { skipSpecialTokens: true })) === '' &&
    (await tokenizer.decode([id], { skipSpecialTokens: false })) !== ''
  )
}

/** The texts of an example, one after the other. */
function textsOf(example: EncodedExample, task: Task): readonly MarkedId[][] {
  const marked = (ids: ArrayLike<number>, isTrained: (at: number) => boolean = () => false): MarkedId[] =>
    Array.from(ids, (id, at) => ({ id, trained: isTrained(at) }))
  const { inputIds } = example
  if (!isLabelled(example)) {
    const { positiveIds, negativeIds } = example
    return [
      marked(inputIds),
      marked(positiveIds, () => true),
      ...(negativeIds === undefined ? [] : [marked(negativeIds)]),
    ]
  }
  const { labels } = example
  if (typeof labels === 'number' || task === 'sequence-classification') return [marked(inputIds)]
  if (task === 'seq2seq-lm') {
    const target = Array.from(labels, (id) => id).filter((id) => id !== ignoredLabel)
    return [marked(inputIds), marked(target, () => true)]
  }
  if (task === 'question-answering') {
    const [first = -1, last = -1] = labels
    return [marked(inputIds, (at) => at >= first && at <= last)]
  }
  // Nothing predicts the first token of a text that is written from left to right.
  const from = task === 'causal-lm' ? 1 : 0
  return [marked(inputIds, (at) => at >= from && labels[at] !== ignoredLabel)]
}
