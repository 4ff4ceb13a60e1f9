import { questionAnsweringShape } from './answer-shape.js'
import { textLabelShape, textLabelsShape, tokensTagsShape } from './label-shapes.js'
import type { Shape } from './shape.js'
import {
  anchorPositiveShape,
  messagesShape,
  promptCompletionShape,
  sourceTargetShape,
  textShape,
} from './text-shapes.js'

/** In the order they are tried: rows with `messages` often carry a `prompt` or a `text` beside it. */
export const shapes: readonly Shape[] = [
  messagesShape,
  promptCompletionShape,
  tokensTagsShape,
  questionAnsweringShape,
  sourceTargetShape,
  anchorPositiveShape,
  textLabelsShape,
  textLabelShape,
  textShape,
]

/** What the rows of a dataset may look like, in words. */
export const expectedFields = shapes.map(({ expected }) => expected).join(', or ')
