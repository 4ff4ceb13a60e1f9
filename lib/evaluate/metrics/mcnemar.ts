import { requireLength, requireRows } from './metric.js'

export interface McNemar {
  /** Rows that only the first, or only the second system has right. */
  readonly onlyFirst: number
  readonly onlySecond: number
  /** Two-sided and exact: how often chance alone would part those rows as unevenly. */
  readonly pValue: number
}

/**
 * McNemar's test of two systems on the same rows.
 * @throws AttuneError 'empty-dataset', 'shape-mismatch'
 */
export function mcnemar(firstCorrect: ArrayLike<boolean>, secondCorrect: ArrayLike<boolean>): McNemar {
  requireRows(firstCorrect.length, "McNemar's test")
  requireLength(secondCorrect.length, firstCorrect.length, 'rows of both systems')
  let onlyFirst = 0
  let onlySecond = 0
  for (let row = 0; row < firstCorrect.length; row++) {
    if (firstCorrect[row] === secondCorrect[row]) continue
    if (firstCorrect[row] === true) onlyFirst++
    else onlySecond++
  }
  return { onlyFirst, onlySecond, pValue: signTest(onlyFirst, onlySecond) }
}

/** Twice the binomial tail of fair coins. In logarithms: 0.5^n underflows past a thousand rows. */
function signTest(a: number, b: number): number {
  const tosses = a + b
  let logChance = -tosses * Math.LN2
  let tail = 0
  for (let heads = 0; heads <= Math.min(a, b); heads++) {
    tail += Math.exp(logChance)
    logChance += Math.log((tosses - heads) / (heads + 1))
  }
  return Math.min(1, 2 * tail)
}
