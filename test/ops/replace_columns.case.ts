import { float, spread, type OpCases } from './op-case.js'

function replace(rows: number, columns: number, tokens: readonly number[], bias = false) {
  return {
    name: `${rows}x${columns}, ${tokens.length} replaced${bias ? ', bias' : ''}`,
    attributes: { token_ids: tokens },
    inputs: [float([rows, columns]), float([rows, tokens.length]), bias ? float([columns]) : null],
  }
}

export default {
  op: 'replace_columns',
  cases: [
    replace(0, 5, [2]),
    replace(1, 1, [0], true),
    replace(7, 11, [10, 3, 0]),
    replace(7, 33, [32, 1, 17, 0], true),
    replace(5, 331, spread(19, 331), true),
  ],
} satisfies OpCases
