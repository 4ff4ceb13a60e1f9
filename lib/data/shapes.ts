import { questionAnsweringShape } from './answer-shape.js'
import { alpacaPromptShape, alpacaShape } from './instruction-shapes.js'
import { textLabelShape, textLabelsShape, tokensTagsShape } from './label-shapes.js'
import { messagesShape, shareGptShape } from './messages-shapes.js'
import { openAiPreferenceShape, preferenceShape } from './preference-shapes.js'
import {
  conversationalPromptShape,
  promptCompletionShape,
  promptOnlyShape,
  unpairedPreferenceShape,
} from './prompt-shapes.js'
import type { ShapeName } from './rows.js'
import type { Fields, Shape } from './shape.js'
import { anchorPositiveShape, sourceTargetShape, textShape } from './text-shapes.js'

/**
 * In the order they are tried: the first whose fields are there is it. Rows with `messages` often carry a `prompt`,
 * `chosen` or a `text` beside it, preferences an `output`, Alpaca's rows the whole `text`.
 */
export const shapes: readonly Shape[] = [
  messagesShape,
  openAiPreferenceShape,
  preferenceShape,
  shareGptShape,
  unpairedPreferenceShape,
  conversationalPromptShape,
  promptCompletionShape,
  alpacaShape,
  // After alpacaShape, so only where it is asked for by name.
  alpacaPromptShape,
  tokensTagsShape,
  questionAnsweringShape,
  sourceTargetShape,
  anchorPositiveShape,
  textLabelsShape,
  textLabelShape,
  promptOnlyShape,
  textShape,
]

export const shapeNames: readonly ShapeName[] = [...new Set(shapes.map(({ name }) => name))]

/** What the rows of a dataset may look like, in words. */
export const expectedFields = expectedOf(shapes)

/** What rows of these shapes have, in words. */
export function expectedOf(list: readonly Shape[]): string {
  const named = list.filter((shape) => shape !== promptOnlyShape)
  return [...new Set(named.map(({ expected }) => expected))].join(', or ')
}

/** The shape of a row with these fields: the first that finds its own among them. */
export function shapeFor(fields: Fields, candidates: readonly Shape[] = shapes): Shape | undefined {
  return candidates.find(({ detect }) => detect(fields))
}
