/** The span without the blanks at its ends: some tokenizers count the blank before a word as part of it. */
export function withoutBlanks(text: string, start: number, end: number): [start: number, end: number] {
  const span = text.slice(start, end)
  const from = start + span.length - span.trimStart().length
  return [from, Math.max(from, end - span.length + span.trimEnd().length)]
}
