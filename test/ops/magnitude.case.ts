import { ascending, float, float32, type OpCases } from './op-case.js'

function magnitude(rows: number, columns: number, { bias = false, addend = false, zeros = 0 } = {}) {
  const norms = ascending(columns).map((n) => (n < zeros ? 0 : 0.5 + ((n * 7) % 5) / 2))
  return {
    name: `${rows}x${columns}${bias ? ' bias' : ''}${addend ? ' addend' : ''}${zeros > 0 ? ' zeros' : ''}`,
    attributes: {},
    inputs: [
      float([rows, columns]),
      float([columns]),
      float32([columns], norms),
      bias ? float([columns]) : null,
      addend ? float([rows, columns]) : null,
    ],
  }
}

export default {
  op: 'magnitude',
  cases: [
    magnitude(0, 5),
    magnitude(1, 1),
    magnitude(7, 17, { bias: true }),
    magnitude(5, 33, { addend: true }),
    magnitude(3, 9, { bias: true, addend: true, zeros: 2 }),
    // More rows than one task sums.
    magnitude(67, 131, { bias: true, addend: true }),
  ],
} satisfies OpCases
