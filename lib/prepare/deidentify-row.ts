import { codePointIndex, codePointLength, utf16Index } from '../data/code-points.js'
import type { DatasetRow, QuestionAnsweringRow, TokensTagsRow } from '../data/rows.js'
import type { DeidentifiedText, DeidentifyFinding } from './deidentify.js'
import { mapTexts } from './row-texts.js'

type Run = (text: string) => DeidentifiedText

/** The row de-identified, or why it cannot be. Tags stay with their tokens and answers with their place in the context. */
export function deidentifyRow(row: DatasetRow, run: Run): DatasetRow | { readonly problem: string } {
  if ('tokens' in row) return deidentifyTokens(row, run)
  if ('answers' in row) return deidentifyAnswers(row, run)
  return mapTexts(row, (text) => run(text).text)
}

/** Each token that something found lies in gets its placeholder, so that there are as many tokens as tags. */
function deidentifyTokens(row: TokensTagsRow, run: Run): TokensTagsRow {
  const { findings } = run(row.tokens.join(' '))
  let start = 0
  const tokens = row.tokens.map((token) => {
    const from = start
    start += token.length + 1
    let [result, at] = ['', 0]
    for (const finding of findings) {
      const begin = Math.max(finding.start - from, 0)
      const end = Math.min(finding.end - from, token.length)
      if (begin >= end) continue
      result += token.slice(at, begin) + finding.placeholder
      at = end
    }
    return result + token.slice(at)
  })
  return { ...row, tokens }
}

function deidentifyAnswers(row: QuestionAnsweringRow, run: Run): QuestionAnsweringRow | { readonly problem: string } {
  const question = run(row.question).text
  const { text: context, findings } = run(row.context)
  const text: string[] = []
  const starts: number[] = []
  for (const [index, answer] of row.answers.text.entries()) {
    const first = row.answers.answer_start[index] ?? 0
    const start = utf16Index(row.context, first)
    const end = utf16Index(row.context, first + codePointLength(answer))
    const cut = findings.find((finding) => cuts(finding, start, end))
    if (cut !== undefined) {
      return { problem: `answers.text[${index}] is a part of what ${cut.placeholder} replaces, so it would be lost` }
    }
    const [from, to] = [moved(findings, start), moved(findings, end)]
    text.push(context.slice(from, to))
    starts.push(codePointIndex(context, from))
  }
  return { ...row, question, context, answers: { text, answer_start: starts } }
}

/** Whether a place begins or ends within what was found. */
function cuts(finding: DeidentifyFinding, start: number, end: number): boolean {
  const holds = (at: number): boolean => finding.start < at && at < finding.end
  return holds(start) || holds(end)
}

/** A place outside of all that was found, in the new text. */
function moved(findings: readonly DeidentifyFinding[], at: number): number {
  let result = at
  for (const { start, end, placeholder } of findings) if (end <= at) result += placeholder.length - (end - start)
  return result
}
