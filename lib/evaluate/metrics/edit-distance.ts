/** The edit distance behind TER: within a beam around the diagonal, with the operations that lead there. */

/** What makes one word row into the other, step by step. */
export type EditOperation = 'same' | 'substitute' | 'insert' | 'delete'

export interface Edits {
  readonly distance: number
  /** From the first word to the last. `insert`: a word of the target only; `delete`: a word of the source only. */
  readonly operations: readonly EditOperation[]
}

// Tercom's, as sacrebleu has it. The beam is visible in the result: wide length differences come out as there.
const beamWidth = 25
const unreached = 1e9
const operations: readonly EditOperation[] = ['same', 'substitute', 'insert', 'delete']
const [same, substitute, insert, remove] = [0, 1, 2, 3] as const

/** Among equally cheap ways: same or substitute before delete before insert. */
export function editDistance(source: readonly string[], target: readonly string[]): Edits {
  const rows = source.length + 1
  const columns = target.length + 1
  const cost = new Int32Array(rows * columns).fill(unreached)
  const operation = new Uint8Array(rows * columns)
  for (let j = 0; j < columns; j++) {
    cost[j] = j
    operation[j] = insert
  }
  const slope = source.length === 0 ? 1 : target.length / source.length
  const width = beamWidth < slope / 2 ? Math.ceil(slope / 2 + beamWidth) : beamWidth
  const at = (i: number, j: number): number => cost[i * columns + j] ?? unreached

  for (let i = 1; i < rows; i++) {
    const diagonal = Math.floor(i * slope)
    const end = i === source.length ? columns : Math.min(columns, diagonal + width)
    for (let j = Math.max(0, diagonal - width); j < end; j++) {
      let best = at(i - 1, j) + 1
      let how: number = remove
      if (j > 0) {
        const equal = source[i - 1] === target[j - 1]
        const across = at(i - 1, j - 1) + (equal ? 0 : 1)
        if (across <= best) [best, how] = [across, equal ? same : substitute]
        if (at(i, j - 1) + 1 < best) [best, how] = [at(i, j - 1) + 1, insert]
      }
      cost[i * columns + j] = best
      operation[i * columns + j] = how
    }
  }
  return { distance: at(rows - 1, columns - 1), operations: traced(operation, rows - 1, columns - 1) }
}

function traced(operation: Uint8Array, lastRow: number, lastColumn: number): EditOperation[] {
  const path: EditOperation[] = []
  let i = lastRow
  let j = lastColumn
  while (i > 0 || j > 0) {
    const how = operation[i * (lastColumn + 1) + j] ?? same
    path.push(operations[how] ?? 'same')
    if (how !== insert) i--
    if (how !== remove) j--
  }
  return path.reverse()
}
