/** Which sets of kernels a processor is offered, and that ATTUNE_ISA chooses any of them and no other. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { native } from '../lib/native.js'
import { isaVariable, openSession } from '../lib/session.js'

const avx2 = ['avx2', 'fma', 'f16c', 'bmi2']
const avx512 = ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'fma', 'f16c', 'bmi2']
/** What a processor must have, by set. */
const needs: Readonly<Record<string, readonly string[]>> = {
  avx512_amx: [...avx512, 'avx512_bf16', 'amx_tile', 'amx_bf16'],
  avx512_bf16: [...avx512, 'avx512_bf16'],
  avx512,
  avx2,
  neon: ['neon'],
  portable: [],
}
const { architecture, features, instructionSet: best, instructionSets } = native().processor()
const lacking = Object.keys(needs).filter((name) => !instructionSets.includes(name))

afterEach(() => vi.unstubAllEnvs())

test('are those that the processor has the features of', () => {
  const expected = Object.keys(needs).filter((name) => needs[name]!.every((feature) => features.includes(feature)))
  expect([...instructionSets].sort()).toEqual(expected.sort())
})

test('begin with the best and end with portable', () => {
  expect(instructionSets[0]).toBe(best)
  expect(instructionSets.at(-1)).toBe('portable')
})

test.runIf(architecture === 'arm64')('NEON is the best of arm64', () => {
  expect(instructionSets).toEqual(['neon', 'portable'])
})

describe(isaVariable, () => {
  test.each(instructionSets)('%s chooses it', (name) => {
    vi.stubEnv(isaVariable, name)
    const session = openSession({ threads: 1, instructionSet: '' })
    expect(session.hardware).toBe(name)
    session.dispose()
  })

  test.each(lacking)('%s is refused: it is not here', (name) => {
    vi.stubEnv(isaVariable, name)
    expect(() => openSession({ threads: 1, instructionSet: '' })).toThrowError(
      expect.objectContaining({ code: 'unsupported-device', where: isaVariable }) as Error,
    )
    expect(() => openSession({ threads: 1, instructionSet: name })).toThrowError(
      expect.objectContaining({ code: 'unsupported-device', where: 'instructionSet' }) as Error,
    )
  })
})
