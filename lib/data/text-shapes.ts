import { z } from 'zod'

import { filledText, isGiven, parsed, type Fields, type ParsedRow, type RowMeaning, type Shape } from './shape.js'

const textSchema = z.object({ text: z.string() })

export const textShape: Shape = {
  name: 'text',
  form: 'plain text',
  reads: () => ['text'],
  expected: 'text (a string)',
  detect: (fields) => isGiven(fields['text']),
  parse: (fields) => parsed(textSchema, fields, (row) => row),
}

const sourceTargetSchema = z.object({ source: filledText, target: filledText })

export const sourceTargetShape: Shape = {
  name: 'source-target',
  form: 'a text and what it should become',
  reads: ({ source, target }) => (isGiven(source) && isGiven(target) ? ['source', 'target'] : ['translation']),
  expected: 'source and target (strings)',
  detect: (fields) => (isGiven(fields['source']) && isGiven(fields['target'])) || isGiven(fields['translation']),
  parse: (fields, meaning) =>
    isGiven(fields['source']) && isGiven(fields['target'])
      ? parsed(sourceTargetSchema, fields, (row) => row)
      : parseTranslation(fields, meaning),
}

function parseTranslation(fields: Fields, { sourceLanguage, targetLanguage }: RowMeaning): ParsedRow {
  if (sourceLanguage === undefined || targetLanguage === undefined) {
    const inside = fields['translation']
    const found = typeof inside === 'object' && inside !== null ? Object.keys(inside).join(', ') : ''
    return {
      problem: `a translation needs options.sourceLanguage and options.targetLanguage to say which way it goes (this one has ${found})`,
    }
  }
  const schema = z.object({
    translation: z.object({ [sourceLanguage]: filledText, [targetLanguage]: filledText }),
  })
  return parsed(schema, fields, ({ translation }) => ({
    source: String(translation[sourceLanguage]),
    target: String(translation[targetLanguage]),
  }))
}

const anchorPositiveSchema = z.object({ anchor: filledText, positive: filledText, negative: filledText.nullish() })

export const anchorPositiveShape: Shape = {
  name: 'anchor-positive',
  form: 'texts that should lie close to each other',
  reads: () => ['anchor', 'positive', 'negative'],
  expected: 'anchor and positive (and negative) (strings)',
  detect: (fields) => isGiven(fields['anchor']) && isGiven(fields['positive']),
  parse: (fields) =>
    parsed(anchorPositiveSchema, fields, ({ anchor, positive, negative }) =>
      typeof negative === 'string' ? { anchor, positive, negative } : { anchor, positive },
    ),
}
