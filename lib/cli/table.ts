/** Columns of text under each other, two spaces between. `numbers`: all columns but the first end at the right. */
export function table(rows: readonly (readonly string[])[], { numbers = false } = {}): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => (numbers && i > 0 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
