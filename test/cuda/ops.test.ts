/**
 * Every case of every op on an emulated GPU, in float32 and bfloat16: kernels against the float64 reference, gradients against its
 * finite differences, and the same bits whatever order blocks, warps and threads run in. ATTUNE_OPS=add,linear runs these alone.
 * ATTUNE_OP_ERRORS names a file for the largest errors of each op.
 */
import { afterAll, describe, it } from 'vitest'
import { checkCase } from '../ops/check-case.js'
import { OpErrors } from '../ops/op-errors.js'
import { suites } from '../ops/suites.js'
import { describeCuda } from './describe-cuda.js'
import { sessionOn } from './session-on.js'

const only = process.env.ATTUNE_OPS?.split(',')
const errors = new OpErrors()
afterAll(() => errors.writeWhereAsked())

const chosen = suites.filter(({ op }) => only?.includes(op) ?? true)

describeCuda(() => {
  for (const suite of chosen) {
    for (const dtype of ['f32', 'bf16'] as const) {
      describe(`${suite.op} ${dtype}`, () => {
        it.each(suite.cases.map((definition) => [definition.name, definition] as const))(
          '%s',
          async (_, definition) => {
            await checkCase(sessionOn('cuda'), suite, definition, dtype, errors.recorder(suite.op, dtype))
          },
        )
      })
    }
  }
})
