/**
 * Every case of every op on an emulated GPU, in float32 and bfloat16: kernels against the float64 reference, gradients against its
 * finite differences, and the same bits whatever order blocks, warps and threads run in. ATTUNE_OPS=add,linear runs these alone.
 */
import { afterAll, describe, it } from 'vitest'
import type { NativeSession } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'
import { checkCase } from '../ops/check-case.js'
import { suites } from '../ops/suites.js'
import { unavailableCuda } from './emulated-cuda.js'

const reason = unavailableCuda()
const only = process.env.ATTUNE_OPS?.split(',')
const chosen = suites.filter(({ op }) => only?.includes(op) ?? true)

let opened: NativeSession | undefined
const session = () => (opened ??= openSession({ device: 'cuda', threads: 1, instructionSet: '' }))
afterAll(() => opened?.dispose())

describe.skipIf(reason !== undefined)(`on emulated CUDA${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  for (const suite of chosen) {
    for (const dtype of ['f32', 'bf16'] as const) {
      describe(`${suite.op} ${dtype}`, () => {
        it.each(suite.cases.map((definition) => [definition.name, definition] as const))(
          '%s',
          async (_, definition) => {
            await checkCase(session(), suite, definition, dtype)
          },
        )
      })
    }
  }
})
