import { float, type OpCases } from './op-case.js'

type Layout = 'out_in' | 'in_out'

interface Linear {
  layout?: Layout
  bias?: boolean
  addend?: boolean
  /** 0: no low-rank product. */
  rank?: number
  lowRankLayout?: Layout
  scale?: number
  lowRankScale?: number
}

export function linear(tokens: number, k: number, n: number, options: Linear = {}) {
  const { layout = 'out_in', bias = false, addend = false, rank = 0, lowRankLayout = 'out_in' } = options
  const { scale = 1, lowRankScale = 1 } = options
  const matrix = (rows: number, columns: number, of: Layout) =>
    float(of === 'out_in' ? [columns, rows] : [rows, columns])
  const parts = [
    `${tokens}x${k}x${n}`,
    layout,
    ...(bias ? ['bias'] : []),
    ...(rank > 0 ? [`rank ${rank} ${lowRankLayout}`] : []),
    ...(addend ? ['addend'] : []),
    ...(scale === 1 ? [] : [`scale ${scale}`]),
  ]
  return {
    name: parts.join(' '),
    attributes: { layout, scale, low_rank_layout: lowRankLayout, low_rank_scale: lowRankScale },
    inputs: [
      float([tokens, k]),
      matrix(k, n, layout),
      bias ? float([n]) : null,
      rank > 0 ? float([tokens, rank]) : null,
      rank > 0 ? matrix(rank, n, lowRankLayout) : null,
      addend ? float([tokens, n]) : null,
    ],
  }
}

const everything = { bias: true, addend: true, scale: 0.5, lowRankScale: 2 }

export default {
  op: 'linear',
  cases: [
    linear(0, 8, 8, { bias: true }),
    linear(1, 1, 1),
    linear(1, 1, 1, { layout: 'in_out', bias: true }),
    linear(7, 13, 5),
    linear(7, 13, 5, { layout: 'in_out' }),
    linear(1, 129, 67, { bias: true }),
    linear(1, 129, 67, { layout: 'in_out', bias: true }),
    linear(2, 64, 48),
    linear(17, 33, 31, { ...everything, rank: 3 }),
    linear(17, 33, 31, { ...everything, rank: 3, layout: 'in_out' }),
    linear(17, 33, 31, { ...everything, rank: 16, lowRankLayout: 'in_out' }),
    linear(33, 17, 65, { ...everything, rank: 5, layout: 'in_out', lowRankLayout: 'in_out' }),
    linear(3, 31, 17, { rank: 4, lowRankScale: 0.25 }),
    linear(16, 32, 32),
    linear(16, 32, 32, { layout: 'in_out' }),
    // Past the blocks of the matrix product in each direction.
    linear(37, 613, 19, { bias: true }),
    linear(37, 613, 19, { layout: 'in_out' }),
    linear(131, 29, 97),
    linear(11, 23, 401, { layout: 'in_out', bias: true }),
    // Thin operands: the large one is read where it lies.
    linear(53, 1301, 7, { scale: 0.7, bias: true }),
    linear(40, 300, 16, { layout: 'in_out', addend: true }),
    linear(16, 613, 83, { layout: 'in_out', scale: 0.7 }),
    // Few rows and many columns, which are dealt out in larger parts, the last of them smaller.
    linear(1, 40, 900, { bias: true }),
    linear(6, 24, 1563, { rank: 3, scale: 0.5 }),
  ],
} satisfies OpCases
