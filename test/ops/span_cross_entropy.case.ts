import { float, scalar, type OpCases } from './op-case.js'

/** Tokens of a segment, and the tokens that its answer starts and ends with. */
type Segment = readonly [tokens: number, start: number, end: number]

function spans(name: string, segments: readonly Segment[], { scale = 0.25, std = 1 } = {}) {
  const starts = [0]
  for (const [tokens] of segments) starts.push(starts.at(-1)! + tokens)
  const positions = segments.flatMap(([, start, end]) => [start, end])
  return {
    name,
    attributes: {},
    inputs: [
      float([starts.at(-1)!, 2], { std }),
      { kind: 'integer' as const, shape: [starts.length], values: starts },
      { kind: 'integer' as const, shape: [segments.length, 2], values: positions },
      scalar(scale),
    ],
  }
}

export default {
  op: 'span_cross_entropy',
  loss: 'loss',
  cases: [
    spans('no segments', []),
    spans('an empty segment', [[0, 0, 0]]),
    spans('one token', [[1, 0, 0]], { scale: 1 }),
    spans('two tokens', [[2, 0, 1]]),
    spans('first and last', [[17, 0, 16]]),
    spans('end before start', [[9, 7, 2]]),
    spans('several segments', [
      [5, 1, 3],
      [1, 0, 0],
      [0, -1, -1],
      [13, 4, 4],
      [31, 30, 30],
    ]),
    spans('unlabelled', [[11, -1, -1]]),
    spans('an unlabelled segment among others', [
      [7, 2, 5],
      [10, -1, -1],
      [3, 0, 1],
    ]),
    spans('half labelled, -1 or past the segment', [
      [8, 3, -1],
      [6, -1, 0],
      [4, 4, 2],
      [5, 1, 1000],
    ]),
    spans('sharp', [[33, 12, 20]], { std: 20 }),
    // Past one block, and past one task.
    spans('long', [[1031, 600, 1030]], { scale: 1 }),
    spans(
      'many segments',
      Array.from({ length: 301 }, (_, s): Segment => [57 + (s % 3), s % 57, (s * 7) % 61]),
      {
        scale: 1 / 301,
      },
    ),
  ],
} satisfies OpCases
