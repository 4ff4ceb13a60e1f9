/** Tokenizers and Python count Unicode code points, JavaScript UTF-16 units. */

export function codePointLength(text: string): number {
  return codePointIndex(text, text.length)
}

/** How many code points stand before UTF-16 unit `unit`. */
export function codePointIndex(text: string, unit: number): number {
  let points = 0
  for (let at = 0; at < unit; points++) at += widthAt(text, at)
  return points
}

/** The UTF-16 unit at which code point `point` begins; the text's length past its end. */
export function utf16Index(text: string, point: number): number {
  let at = 0
  for (let points = 0; points < point && at < text.length; points++) at += widthAt(text, at)
  return at
}

/** `utf16Index` of one text, asked many times. */
export function utf16Indexer(text: string): (point: number) => number {
  const units: number[] = []
  let wide = false
  for (let at = 0; at < text.length; at += widthAt(text, at)) {
    units.push(at)
    wide ||= widthAt(text, at) > 1
  }
  return wide ? (point) => units[point] ?? text.length : (point) => Math.min(point, text.length)
}

/** Code points `start` to `end` - 1. */
export function sliceCodePoints(text: string, start: number, end: number): string {
  const from = utf16Index(text, start)
  return text.slice(from, from + utf16Index(text.slice(from), end - start))
}

function widthAt(text: string, unit: number): number {
  return (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1
}
