import { float, type OpCases } from './op-case.js'

export default {
  op: 'scale',
  cases: [
    { name: 'no rows', attributes: { factor: 2 }, inputs: [float([0, 8])] },
    { name: 'by default 1', attributes: {}, inputs: [float([1, 1])] },
    { name: 'odd', attributes: { factor: -0.3 }, inputs: [float([7, 33])] },
    { name: 'past a task', attributes: { factor: 27.7 }, inputs: [float([67, 257])] },
    { name: 'by 0', attributes: { factor: 0 }, inputs: [float([3, 5])] },
  ],
} satisfies OpCases
