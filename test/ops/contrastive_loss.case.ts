import { float, integers, scalar, spread, type OpCases } from './op-case.js'

function pairs(anchors: number, candidates: number, columns: number, scale = 20) {
  return {
    name: `${anchors} among ${candidates} of ${columns}, scale ${scale}`,
    attributes: { scale },
    inputs: [
      float([anchors, columns]),
      float([candidates, columns]),
      integers(spread(anchors, candidates)),
      scalar(1 / Math.max(1, anchors)),
    ],
  }
}

export default {
  op: 'contrastive_loss',
  loss: 'loss',
  cases: [pairs(0, 1, 3), pairs(1, 1, 1), pairs(1, 2, 5, 1), pairs(3, 7, 17), pairs(8, 8, 33, 5), pairs(5, 19, 64)],
} satisfies OpCases
