import { html, Markup, type Content } from './markup.js'
import { pageStyle } from './page-style.js'

/** One page that needs nothing else: no network, no script, light and dark. */
export function page(title: string, ...parts: readonly Content[]): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Markup(pageStyle)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${parts}
        </main>
      </body>
    </html> `.text
}
