/** The rows with the highest loss, each with what was expected and what came. */
import type { EvaluationRecord, EvaluationReport } from '../report.js'
import { figure, short } from '../../page/figures.js'
import { html, type Content, type Markup } from '../../page/markup.js'

const textShown = 600

export function mistakesOf({ worst }: EvaluationReport): Content {
  if (worst.length === 0) return undefined
  const lines = (worst as unknown as readonly EvaluationRecord[]).map((record) => {
    const { origin, loss, text, textPair } = record
    // Inside spans no white space of this template counts: texts keep their own.
    const pair =
      textPair !== undefined &&
      html`<hr />
        <span class="said">${short(textPair, textShown)}</span>`
    return html`<tr>
      <td class="name"><code>${origin}</code></td>
      <td class="number">${loss !== undefined && figure(loss)}</td>
      <td class="name">${said(record)}</td>
      <td class="text"><span class="said">${text !== undefined && short(text, textShown)}</span>${pair}</td>
    </tr>`
  })
  return html`<div class="wide">
    <table class="stack">
      <thead>
        <tr>
          <th>row</th>
          <th class="number">loss</th>
          <th>expected → predicted</th>
          <th>text</th>
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`
}

/** Whatever a task's records say beside their place. */
function said(record: EvaluationRecord): Markup {
  const { label, labels, answers, prediction, predictions, score, generated } = record
  const expected = label ?? labels ?? answers
  const predicted = prediction ?? predictions
  if (expected !== undefined || predicted !== undefined) {
    const sure = typeof score === 'number' && ` (${figure(score)})`
    return html`${shown(expected)} → <strong>${shown(predicted)}</strong>${sure}`
  }
  if (typeof generated === 'object' && generated !== null && 'reference' in generated && 'prediction' in generated) {
    return html`${shown(generated.reference)} → <strong>${shown(generated.prediction)}</strong>`
  }
  const numbers = Object.entries(record).filter(
    ([name, value]) => typeof value === 'number' && name !== 'row' && name !== 'loss',
  )
  return html`${numbers.map(([name, value]) => html`${name} ${figure(value as number)}<br />`)}`
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : short(value.map(shown).join(', '), textShown)
  if (typeof value === 'number') return figure(value)
  if (typeof value !== 'string' || value === '') return '(none)'
  return short(value, textShown)
}
