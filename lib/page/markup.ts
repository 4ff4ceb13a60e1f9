/** HTML from template literals: whatever is put in is escaped, unless it is markup itself. */

export class Markup {
  constructor(readonly text: string) {}
}

export type Content = Markup | string | number | false | null | undefined | readonly Content[]

/** Values become text, escaped for elements and for attributes in double quotes; lists are joined; nothing and false are left out. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, part, i) => text + part + (i < values.length ? rendered(values[i]) : ''), ''))
}

function rendered(content: Content): string {
  if (content === undefined || content === null || content === false) return ''
  if (content instanceof Markup) return content.text
  if (typeof content === 'object') return content.map(rendered).join('')
  return String(content).replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
