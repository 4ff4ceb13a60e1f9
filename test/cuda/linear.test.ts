/**
 * Products of sizes that op cases leave out, for they choose other kernels: large tiles, and depths split over blocks. Finite
 * differences would take too long: the CPU's float32 kernels say what is right.
 */
import { it } from 'vitest'
import { elements, normal, roundToBf16 } from '../ops/numbers.js'
import { float, type OpCase, type OpCases } from '../ops/op-case.js'
import type { FilledCase } from '../ops/oracle.js'
import { runCase } from '../ops/run-case.js'
import { expectClose, type CaseDtype } from '../ops/tolerance.js'
import { describeCuda } from './describe-cuda.js'
import { sessionOn } from './session-on.js'

function linear(tokens: number, k: number, n: number, layout: 'out_in' | 'in_out', rank = 0) {
  return {
    name: `${tokens}x${k}x${n} ${layout}${rank > 0 ? ` rank ${rank}` : ''}`,
    attributes: { layout, scale: 0.5, low_rank_scale: 2 },
    inputs: [
      float([tokens, k]),
      float(layout === 'out_in' ? [n, k] : [k, n]),
      float([n]),
      rank > 0 ? float([tokens, rank]) : null,
      rank > 0 ? float([n, rank]) : null,
      float([tokens, n]),
    ],
  }
}

const suite = {
  op: 'linear',
  cases: [
    // 96 large tiles, forward and in the weight's gradient; the last is ragged both ways.
    linear(70, 40, 12_260, 'out_in', 5),
    linear(70, 40, 12_225, 'in_out', 8),
    linear(20, 72, 12_240, 'out_in'),
    linear(20, 71, 12_225, 'in_out'),
    // Split depths: of few rows, and of few tiles.
    linear(3, 1600, 200, 'out_in', 4),
    linear(12, 1601, 72, 'in_out', 3),
    linear(24, 1664, 40, 'out_in', 4),
    linear(1100, 20, 24, 'in_out'),
  ],
} satisfies OpCases

/** Values alone: what they should make of them is not known here. */
function fill(definition: OpCase, dtype: CaseDtype): FilledCase {
  const random = (name: string, shape: readonly number[], std: number) => {
    const values = normal(`${definition.name} ${name}`, elements(shape), std)
    return dtype === 'bf16' ? roundToBf16(values) : values
  }
  const values = definition.inputs.map((input, index) =>
    input?.kind === 'float' ? random(`${index}`, input.shape, input.std) : null,
  )
  const shape = definition.inputs[5]!.shape
  return {
    definition,
    values,
    outputs: [{ shape, data: new Float64Array(elements(shape)) }],
    seed: random('seed', shape, 1),
    gradients: values.flatMap((array, input) =>
      array === null ? [] : [{ input, elements: [], expected: new Float64Array(), directions: [] }],
    ),
  }
}

async function check(definition: OpCase, dtype: CaseDtype): Promise<void> {
  const filled = fill(definition, dtype)
  const expected = await runCase(sessionOn('cpu'), suite, filled, 'f32')
  const actual = await runCase(sessionOn('cuda'), suite, filled, dtype)
  const sizes = definition.inputs.flatMap((input) => [...(input?.shape ?? [])])
  const bound = { dtype, reduction: Math.max(...sizes) }
  expectClose('y', actual.outputs[0]!, expected.outputs[0]!, bound)
  for (const [input, gradient] of expected.gradients)
    expectClose(`gradient of input ${input}`, actual.gradients.get(input)!, gradient, bound)
}

describeCuda(() => {
  for (const dtype of ['f32', 'bf16'] as const) {
    it.each(suite.cases.map((definition) => [definition.name, definition] as const))(
      `linear ${dtype} %s`,
      async (_, definition) => {
        await check(definition, dtype)
      },
    )
  }
})
