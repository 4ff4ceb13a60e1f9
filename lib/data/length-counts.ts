/** What did not fit into `maxLength`, and what became of it. */
export interface LengthCounts {
  /** Rows cut to `maxLength`. */
  readonly truncated: number
  /** Their tokens that were cut off: the model never sees these. */
  readonly truncatedTokens: number
  /** Examples made of long rows beyond one a row. */
  readonly windows: number
  /** Windows left out because nothing in them has a label. */
  readonly windowsLeftOut: number
  /** Rows left out: longer than `maxLength`. */
  readonly skipped: number
}

/** What of an encoded dataset says what did not fit. */
export function lengthCounts(counts: LengthCounts): LengthCounts {
  const { truncated, truncatedTokens, windows, windowsLeftOut, skipped } = counts
  return { truncated, truncatedTokens, windows, windowsLeftOut, skipped }
}

export const nothingCut: LengthCounts = {
  truncated: 0,
  truncatedTokens: 0,
  windows: 0,
  windowsLeftOut: 0,
  skipped: 0,
}
