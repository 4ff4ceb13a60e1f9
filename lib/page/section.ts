import { html, type Content } from './markup.js'

/** A part of the page under its title; nothing where there is nothing to show. */
export function section(title: string, ...parts: readonly Content[]): Content {
  if (parts.every((part) => part === undefined || part === false)) return undefined
  return html`<section>
    <h2>${title}</h2>
    ${parts}
  </section>`
}
