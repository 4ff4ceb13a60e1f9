import { float, integers, type OpCases } from './op-case.js'

/** One segment per length. */
function segmentMean(columns: number, ...lengths: readonly number[]) {
  const starts = lengths.reduce((all, length) => [...all, all.at(-1)! + length], [0])
  return {
    name: `${lengths.join(' ')} of ${columns}`,
    attributes: {},
    inputs: [float([starts.at(-1)!, columns]), integers(starts)],
  }
}

export default {
  op: 'segment_mean',
  cases: [
    { name: 'no segments', attributes: {}, inputs: [float([0, 8]), integers([0])] },
    segmentMean(1, 1),
    segmentMean(17, 5, 1, 7),
    segmentMean(33, 0, 3, 0, 2),
    segmentMean(300, 2, 3),
    segmentMean(19, 131, 64),
  ],
} satisfies OpCases
