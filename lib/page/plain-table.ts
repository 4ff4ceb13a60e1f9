import { html, type Content } from './markup.js'

/** The first column is names, the others numbers. */
export function plainTable(head: readonly string[], lines: readonly (readonly string[])[]): Content {
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head.map((title, i) => html`<th class="${i > 0 && 'number'}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${lines.map(
          ([name, ...numbers]) =>
            html`<tr>
              <th scope="row" class="name">${name}</th>
              ${numbers.map((value) => html`<td class="number">${value}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
