/** Tables of the report. */
import { html, type Content } from '../../dist/page/markup.js'

export interface Row {
  readonly head: readonly string[]
  /** In place of so many cells, before the others. */
  readonly missing?: string
  readonly span?: number
  readonly cells: readonly string[]
}

export function resultTable(head: readonly string[], rows: readonly Row[]): Content {
  const texts = rows[0]?.head.length ?? 1
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head.map((title, i) => html`<th class="${i >= texts && 'number'}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.head.map((cell, i) => (i === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}
              ${row.missing !== undefined && html`<td class="why" colspan="${row.span ?? 1}">${row.missing}</td>`}
              ${row.cells.map((cell) => html`<td class="number">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
