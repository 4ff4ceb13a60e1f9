/** Predictions as a person reads them on a screen. */
import type { AnsweredQuestion, Question } from '../predict/answer.js'
import type { LabelScore, Prediction } from '../predict/classify.js'
import type { Entity, TaggedText } from '../predict/tag.js'
import { percent } from './amounts.js'

const barWidth = 20
const textWidth = 72

/** The text, shortened, and below it a bar for each label. */
export function renderPrediction(text: string, prediction: Prediction): string {
  const head = `${shortened(text)}\n`
  if (prediction.problemType === 'regression') {
    const values = Object.entries(prediction.values ?? { value: prediction.value })
    return head + values.map(([name, value]) => `  ${name}  ${value.toPrecision(5)}\n`).join('')
  }
  const chosen = prediction.problemType === 'multi_label_classification' ? prediction.labels : [prediction]
  const shown = prediction.scores ?? chosen
  if (shown.length === 0) return `${head}  none of the labels\n`
  const width = Math.max(...shown.map(({ label }) => label.length))
  return head + shown.map((score) => `  ${barOf(score, width)}\n`).join('')
}

function barOf({ label, score }: LabelScore, width: number): string {
  const filled = Math.round(barWidth * score)
  return `${label.padEnd(width)}  ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}  ${percent(score)}`
}

// Cyan, yellow, green, magenta, blue, red.
const hues = [36, 33, 32, 35, 34, 31]

/** The text with its entities marked: coloured where that is wanted, and their type behind them in brackets. */
export function renderTagged({ text, entities }: TaggedText, colors: boolean): string {
  const types = [...new Set(entities.map(({ type }) => type))].sort()
  const marked = ({ type, start, end }: Entity): string => {
    const label = `[${text.slice(start, end)} ${type}]`
    return colors ? `\u001b[${hues[types.indexOf(type) % hues.length]}m${label}\u001b[0m` : label
  }
  let at = 0
  let line = ''
  for (const entity of entities) {
    line += text.slice(at, entity.start) + marked(entity)
    at = entity.end
  }
  return `${line}${text.slice(at)}\n`
}

/** The answers with their probabilities, each in a little of its context. */
export function renderAnswer({ question, context }: Question, { answer, answers }: AnsweredQuestion): string {
  const lines = answers.map(({ text, score, start, end }) => {
    const before = shortenedStart(context.slice(0, start))
    return `  ${percent(score).padStart(6)}  ${text}   … ${before}»${text}«${shortened(context.slice(end), 24)}\n`
  })
  return `${shortened(question)}\n${answer === undefined ? '  no answer\n' : ''}${lines.join('')}`
}

export function renderEmbedding(text: string, embedding: Float32Array): string {
  const numbers = Array.from(embedding.subarray(0, 4), (value) => value.toFixed(4))
  return `${shortened(text)}\n  ${embedding.length} numbers: ${numbers.join(' ')}${embedding.length > 4 ? ' …' : ''}\n`
}

function shortened(text: string, width = textWidth): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}

function shortenedStart(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(-24)
}
