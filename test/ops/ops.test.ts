/**
 * Every case of every op, on every instruction set of this build that the processor can run, in float32 and bfloat16:
 * kernels against the float64 reference, gradients against its finite differences, same bits with 1, 2 and 3 threads.
 */
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { native, type NativeSession } from '../../lib/native.js'
import type { OpCase, OpCases } from './op-case.js'
import { fillCase, type FilledCase } from './oracle.js'
import { runCase, type CaseResult } from './run-case.js'
import { expectClose, expectSameBits, type Bound, type CaseDtype } from './tolerance.js'

const folder = dirname(fileURLToPath(import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.case.ts'))
const suites = await Promise.all(
  files.map(async (name) => ((await import(/* @vite-ignore */ `./${name}`)) as { default: OpCases }).default),
)

const sessions = new Map<string, NativeSession>()
function sessionOf(instructionSet: string, threads: number): NativeSession {
  const key = `${instructionSet} ${threads}`
  const session = sessions.get(key) ?? new (native().Session)({ threads, instructionSet })
  sessions.set(key, session)
  return session
}
afterAll(() => {
  for (const session of sessions.values()) session.dispose()
})

/** Kept between the instruction sets: finite differences are the slow part. */
const filledCases = new Map<string, FilledCase>()
function filledCase(suite: OpCases, definition: OpCase, dtype: CaseDtype): FilledCase {
  const key = `${suite.op} ${definition.name} ${dtype}`
  const filled = filledCases.get(key) ?? fillCase(suite, definition, dtype)
  filledCases.set(key, filled)
  return filled
}

/** No sum is longer than the largest input has elements in one row or column. */
function boundOf(definition: OpCase, dtype: CaseDtype): Bound {
  const sizes = definition.inputs.flatMap((input) => (input === null ? [] : [...input.shape]))
  return { dtype, reduction: Math.max(1, ...sizes) }
}

function checkOutputs(suite: OpCases, filled: FilledCase, result: CaseResult, bound: Bound): void {
  const names = native()
    .ops()
    .find((op) => op.name === suite.op)!.outputs
  filled.outputs.forEach((output, index) => {
    const actual = result.outputs[index]!
    if (actual instanceof Int32Array) {
      expect(Array.from(actual), names[index]).toEqual(Array.from(output.data))
    } else {
      expectClose(names[index]!, actual, output.data, bound)
    }
  })
}

function checkGradients(suite: OpCases, filled: FilledCase, result: CaseResult, outputBound: Bound): void {
  // A derivative such as 1 - tanh² or p × (do·v - do·o) can be 0 while its terms are as large as the arriving gradient.
  const magnitude =
    suite.loss === undefined ? filled.seed.reduce((most, value) => Math.max(most, Math.abs(value)), 0) : 0
  const bound = { ...outputBound, magnitude }
  for (const gradient of filled.gradients) {
    const actual = result.gradients.get(gradient.input)!
    const what = `gradient of input ${gradient.input}`
    const chosen = gradient.elements.map((element) => actual[element]!)
    expectClose(what, chosen, gradient.expected, bound)
    const along = gradient.directions.map(({ vector }) =>
      vector.reduce((sum, value, at) => sum + value * actual[at]!, 0),
    )
    // A projection is as large as a typical element, and its error no larger: the same bound holds.
    const scale = Math.max(0, ...gradient.expected.map(Math.abs))
    const expected = gradient.directions.map((direction) => direction.expected)
    expectClose(`${what} along random directions`, [...along, scale], [...expected, scale], bound)
  }
}

describe.each(suites.map((suite) => [suite.op, suite] as const))('%s', (_, suite) => {
  for (const instructionSet of native().processor().instructionSets) {
    for (const dtype of ['f32', 'bf16'] as const) {
      describe(`${instructionSet} ${dtype}`, () => {
        it.each(suite.cases.map((definition) => [definition.name, definition] as const))(
          '%s',
          async (__, definition) => {
            const filled = filledCase(suite, definition, dtype)
            const bound = boundOf(definition, dtype)
            const result = await runCase(sessionOf(instructionSet, 1), suite, filled, dtype)
            checkOutputs(suite, filled, result, bound)
            checkGradients(suite, filled, result, bound)
            for (const [index, values] of result.inputs) {
              if (suite.op === 'cached_attention' && (index === 3 || index === 4)) continue // written in place
              expectSameBits(`input ${index} after the run`, values, filled.values[index]!)
            }
            for (const threads of [2, 3]) {
              const again = await runCase(sessionOf(instructionSet, threads), suite, filled, dtype)
              result.outputs.forEach((output, index) => {
                expectSameBits(`output ${index} with ${threads} threads`, again.outputs[index]!, output)
              })
              for (const [index, gradient] of result.gradients) {
                expectSameBits(
                  `gradient of input ${index} with ${threads} threads`,
                  again.gradients.get(index)!,
                  gradient,
                )
              }
            }
          },
        )
      })
    }
  }
})

it('covers every op that has a reference', () => {
  const backward =
    /_backward$|^(linear_weight_gradient|magnitude_gradient|column_sum|scatter_rows|accumulate_gradient)$/
  const forward = native()
    .ops()
    .map((op) => op.name)
    .filter((name) => !backward.test(name))
  expect(suites.map((suite) => suite.op).sort()).toEqual(forward.sort())
})
