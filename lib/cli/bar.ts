const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar of block characters, to the eighth of one; something that is not nothing shows. */
export function bar(share: number, width: number): string {
  const steps = Math.round(share * width * 8)
  const shown = share > 0 ? Math.max(1, steps) : 0
  return '█'.repeat(Math.floor(shown / 8)) + (eighths[shown % 8] ?? '')
}
