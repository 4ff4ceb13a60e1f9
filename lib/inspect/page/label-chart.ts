import { max } from 'd3-array'
import { count, percent, short } from '../../page/figures.js'
import { html, type Content, type Markup } from '../../page/markup.js'
import type { LabelCount } from '../label-book.js'

const shown = 40

/** A bar for each label; of very many labels the most frequent ones, the others folded away. */
export function labelChart(labels: readonly LabelCount[]): Content {
  const most = max(labels, ({ rows }) => rows) ?? 1
  const total = labels.reduce((sum, { rows }) => sum + rows, 0)
  const validated = labels.some(({ validationRows }) => validationRows !== undefined)
  const lines = (some: readonly LabelCount[]): Markup =>
    html`<div class="wide">
      <table>
        <thead>
          <tr>
            <th>label</th>
            <th></th>
            <th class="number">rows</th>
            <th class="number">share</th>
            ${validated && html`<th class="number">to validate on</th>`}
          </tr>
        </thead>
        <tbody>
          ${some.map((one) => line(one, most, total, validated))}
        </tbody>
      </table>
    </div>`
  if (labels.length <= shown) return lines(labels)
  return html`${lines(labels.slice(0, shown))}
    <details>
      <summary>the other ${labels.length - shown}</summary>
      ${lines(labels.slice(shown))}
    </details>`
}

/** Names of labels are often words with something between, and no spaces. */
function breakable(name: string): Content {
  return name.split(/(?<=[_./-])/).map((part, at) => [at > 0 && html`<wbr />`, part])
}

function line(
  { label, rows, validationRows = 0 }: LabelCount,
  most: number,
  total: number,
  validated: boolean,
): Markup {
  const filled = ((160 * rows) / Math.max(most, 1)).toFixed(1)
  return html`<tr>
    <td class="name">${breakable(short(label, 60))}</td>
    <td>
      <svg class="share" preserveAspectRatio="none" viewBox="0 0 160 12" width="160" height="12" aria-hidden="true">
        <rect class="bar" x="0" y="1" width="${filled}" height="10" />
      </svg>
    </td>
    <td class="number">${count(rows)}</td>
    <td class="number">${percent(rows / Math.max(total, 1))}</td>
    ${validated && html`<td class="number">${count(validationRows)}</td>`}
  </tr>`
}
