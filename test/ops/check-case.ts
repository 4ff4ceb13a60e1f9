/** One op case on one session: outputs and gradients against the float64 reference, inputs untouched. */
import { expect } from 'vitest'
import { native, type NativeSession } from '../../lib/native.js'
import type { OpCase, OpCases } from './op-case.js'
import { fillCase, type FilledCase } from './oracle.js'
import { runCase, type CaseResult } from './run-case.js'
import type { RecordError } from './op-errors.js'
import { expectClose, expectSameBits, tensorError, type Bound, type CaseDtype } from './tolerance.js'

/** Kept between sessions: finite differences are the slow part. */
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

function checkOutputs(suite: OpCases, filled: FilledCase, result: CaseResult, bound: Bound, record: RecordError): void {
  const names = native()
    .ops()
    .find((op) => op.name === suite.op)!.outputs
  filled.outputs.forEach((output, index) => {
    const actual = result.outputs[index]!
    if (actual instanceof Int32Array) {
      expect(Array.from(actual), names[index]).toEqual(Array.from(output.data))
    } else {
      record('outputs', tensorError(actual, output.data, bound))
      expectClose(names[index]!, actual, output.data, bound)
    }
  })
}

function checkGradients(
  suite: OpCases,
  filled: FilledCase,
  result: CaseResult,
  outputBound: Bound,
  record: RecordError,
): void {
  // A derivative such as 1 - tanh² or p × (do·v - do·o) can be 0 while its terms are as large as the arriving gradient.
  const magnitude =
    suite.loss === undefined ? filled.seed.reduce((most, value) => Math.max(most, Math.abs(value)), 0) : 0
  const bound = { ...outputBound, magnitude }
  for (const gradient of filled.gradients) {
    const actual = result.gradients.get(gradient.input)!
    const what = `gradient of input ${gradient.input}`
    const chosen = gradient.elements.map((element) => actual[element]!)
    record('gradients', tensorError(chosen, gradient.expected, bound))
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

/** Throws where an output or gradient is too far from the reference's, or an input was written to. `record` gets every error first. */
export async function checkCase(
  session: NativeSession,
  suite: OpCases,
  definition: OpCase,
  dtype: CaseDtype,
  record: RecordError = () => undefined,
): Promise<CaseResult> {
  const filled = filledCase(suite, definition, dtype)
  const bound = boundOf(definition, dtype)
  const result = await runCase(session, suite, filled, dtype)
  checkOutputs(suite, filled, result, bound, record)
  checkGradients(suite, filled, result, bound, record)
  for (const [index, values] of result.inputs) {
    if (suite.op === 'cached_attention' && (index === 3 || index === 4)) continue // written in place
    expectSameBits(`input ${index} after the run`, values, filled.values[index]!)
  }
  return result
}

/** Throws where another session makes other bits of the case. */
export async function checkSameBits(
  session: NativeSession,
  suite: OpCases,
  definition: OpCase,
  dtype: CaseDtype,
  result: CaseResult,
  how: string,
): Promise<void> {
  const again = await runCase(session, suite, filledCase(suite, definition, dtype), dtype)
  result.outputs.forEach((output, index) => {
    expectSameBits(`output ${index} ${how}`, again.outputs[index]!, output)
  })
  for (const [index, gradient] of result.gradients) {
    expectSameBits(`gradient of input ${index} ${how}`, again.gradients.get(index)!, gradient)
  }
}
