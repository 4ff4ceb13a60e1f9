import { float, type OpCases } from './op-case.js'

const unit = (rows: number, columns: number, std = 1) => ({
  name: `${rows}x${columns}${std === 1 ? '' : ` std ${std}`}`,
  attributes: {},
  inputs: [float([rows, columns], { std })],
})

export default {
  op: 'l2_normalize',
  cases: [unit(0, 3), unit(1, 1), unit(5, 17), unit(3, 64, 100), unit(7, 33, 0.2), unit(67, 131)],
} satisfies OpCases
