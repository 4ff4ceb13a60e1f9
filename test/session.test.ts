import { afterEach, describe, expect, test, vi } from 'vitest'
import { native } from '../lib/native.js'
import { cudaGraphsVariable, isaVariable, openSession } from '../lib/session.js'
import { runAttune, jsonLines } from './cli/run-attune.js'
import { tinyModel } from './tiny-model.js'

afterEach(() => vi.unstubAllEnvs())

describe('ATTUNE_ISA', () => {
  test('chooses the kernels where the caller does not', async () => {
    vi.stubEnv(isaVariable, 'portable')
    await using model = await tinyModel()
    expect(model.instructionSet).toBe('portable')
  })

  test.each([undefined, '', '  '])('not set, or set to %j, leaves the best', async (value) => {
    vi.stubEnv(isaVariable, value)
    await using model = await tinyModel()
    expect(model.instructionSet).toBe(native().processor().instructionSet)
  })

  test('gives way to the option', async () => {
    vi.stubEnv(isaVariable, 'nonsense')
    await using model = await tinyModel({ instructionSet: 'portable' })
    expect(model.instructionSet).toBe('portable')
  })

  test('with a name that is none is refused with those that there are', async () => {
    vi.stubEnv(isaVariable, 'portabel')
    await expect(tinyModel()).rejects.toMatchObject({
      code: 'unsupported-device',
      where: isaVariable,
      message: expect.stringMatching(
        /^ATTUNE_ISA: .*'portabel'; they have .*portable\. Did you mean "portable"\?/,
      ) as string,
    })
  })
})

test('ATTUNE_CUDA_GRAPHS is on or off, and a slip is refused before a GPU is looked for', () => {
  vi.stubEnv(cudaGraphsVariable, 'of')
  const refused = { code: 'invalid-option', where: cudaGraphsVariable }
  const open = () => openSession({ device: 'cuda', threads: 1, instructionSet: '' })
  expect(open).toThrow(expect.objectContaining(refused) as Error)
  expect(open).toThrow(/expected 'on' or 'off', not 'of'/)
})

describe('attune doctor', () => {
  test('shows it where it is set', async () => {
    vi.stubEnv(isaVariable, 'portable')
    expect((await runAttune(['doctor'])).out).toMatch(
      /^kernels +portable by ATTUNE_ISA=portable \(built: .*portable\)$/m,
    )
    const [diagnosis] = jsonLines((await runAttune(['doctor', '--json'])).out)
    expect(diagnosis).toMatchObject({ healthy: true, kernels: 'portable', forcedInstructionSet: 'portable' })
  })

  test('says nothing of it where it is not', async () => {
    vi.stubEnv(isaVariable, undefined)
    expect((await runAttune(['doctor'])).out).not.toContain(isaVariable)
  })

  test('tells what is wrong with it', async () => {
    vi.stubEnv(isaVariable, 'nonsense')
    const { code, out } = await runAttune(['doctor'])
    expect(code).toBe(1)
    expect(out).toMatch(/^kernels +none by ATTUNE_ISA=nonsense/m)
    expect(out).toMatch(/remedy: unset ATTUNE_ISA/)
  })
})
