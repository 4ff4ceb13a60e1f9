import { float, integers, type OpCases } from './op-case.js'

function noise(alpha: number, columns: number, ...lengths: readonly number[]) {
  const starts = lengths.reduce((all, length) => [...all, all.at(-1)! + length], [0])
  return {
    name: `${alpha} on ${lengths.join(' ')} of ${columns}`,
    attributes: { alpha, stream: 7 },
    inputs: [float([starts.at(-1)!, columns]), integers(starts)],
  }
}

export default {
  op: 'embedding_noise',
  cases: [
    { name: 'no segments', attributes: { alpha: 5 }, inputs: [float([0, 8]), integers([0])] },
    noise(0, 3, 4),
    noise(5, 1, 1),
    noise(5, 17, 3, 0, 1),
    // Segments that begin in the middle of a counter.
    noise(15, 3, 1, 2, 5, 1),
    noise(10, 131, 9, 40),
  ],
} satisfies OpCases
