import { float, type OpCases } from './op-case.js'

function norm(outputs: number, inputs: number, rank: number, layout: 'out_in' | 'in_out', scale = 2) {
  const shape = layout === 'out_in' ? [outputs, inputs] : [inputs, outputs]
  return {
    name: `${outputs}x${inputs} rank ${rank} ${layout} scale ${scale}`,
    attributes: { layout, scale },
    inputs: [float(shape), float([rank, inputs]), float([outputs, rank])],
  }
}

export default {
  op: 'low_rank_weight_norm',
  cases: (['out_in', 'in_out'] as const).flatMap((layout) => [
    norm(0, 3, 2, layout),
    norm(3, 0, 2, layout),
    norm(1, 1, 1, layout),
    norm(5, 7, 3, layout, -0.5),
    norm(33, 17, 8, layout),
    norm(3, 5, 2, layout, 0),
    norm(65, 259, 4, layout),
    // More than one chunk of rows.
    ...(layout === 'out_in' ? [norm(5, 262_145, 1, layout)] : [norm(262_145, 5, 1, layout)]),
  ]),
} satisfies OpCases
