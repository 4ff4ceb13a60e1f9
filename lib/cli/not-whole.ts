import type { LengthCounts } from '../data/length-counts.js'
import { quantity } from './amounts.js'

/** What became of rows that were too long, a phrase each; none where all fitted. */
export function notWhole(counts: LengthCounts): string[] {
  const { truncated, truncatedTokens, windows, windowsLeftOut, skipped } = counts
  return [
    ...(truncated > 0 ? [`${truncated} cut by ${quantity(truncatedTokens)} tokens`] : []),
    ...(windows > 0 ? [`${windows} more as windows of long ones`] : []),
    ...(windowsLeftOut > 0 ? [`${windowsLeftOut} windows without a label left out`] : []),
    ...(skipped > 0 ? [`${skipped} left out`] : []),
  ]
}
