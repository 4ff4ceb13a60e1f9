/**
 * Every case of every op, on every instruction set of this build that the processor can run, in float32 and bfloat16:
 * kernels against the float64 reference, gradients against its finite differences, same bits with 1, 2 and 3 threads.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { native, type NativeSession } from '../../lib/native.js'
import { checkCase, checkSameBits } from './check-case.js'
import { suites } from './suites.js'

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

describe.each(suites.map((suite) => [suite.op, suite] as const))('%s', (_, suite) => {
  for (const instructionSet of native().processor().instructionSets) {
    for (const dtype of ['f32', 'bf16'] as const) {
      describe(`${instructionSet} ${dtype}`, () => {
        it.each(suite.cases.map((definition) => [definition.name, definition] as const))(
          '%s',
          async (__, definition) => {
            const result = await checkCase(sessionOf(instructionSet, 1), suite, definition, dtype)
            for (const threads of [2, 3]) {
              const session = sessionOf(instructionSet, threads)
              await checkSameBits(session, suite, definition, dtype, result, `with ${threads} threads`)
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
