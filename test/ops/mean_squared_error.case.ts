import { ascending, float, float32, scalar, type OpCases } from './op-case.js'

function loss(rows: number, columns: number, scale: number) {
  const targets = ascending(rows * columns).map((i) => Math.sin(i))
  return {
    name: `${rows}x${columns} scale ${scale}`,
    attributes: {},
    inputs: [float([rows, columns]), float32([rows, columns], targets), scalar(scale)],
  }
}

export default {
  op: 'mean_squared_error',
  loss: 'loss',
  cases: [loss(0, 3, 1), loss(1, 1, 1), loss(7, 1, 1 / 7), loss(5, 33, 0.5), loss(67, 257, 1 / 67)],
} satisfies OpCases
