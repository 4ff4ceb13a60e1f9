import { html, type Content, type Markup } from './markup.js'

/** Names and what they are, side by side; what is undefined or false is left out. */
export function facts(entries: readonly (readonly [string, Content])[]): Markup {
  const known = entries.filter(([, value]) => value !== undefined && value !== false)
  return html`<dl>
    ${known.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}
