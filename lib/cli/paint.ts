/** Colours of a terminal, by what they mean. */
const codes = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const

export type Color = keyof typeof codes

/** A function that colours, or leaves text as it is. */
export function painter(colors: boolean): (color: Color, text: string) => string {
  return (color, text) => (colors ? `\u001b[${codes[color]}m${text}\u001b[0m` : text)
}
