import { describe, expect, test } from 'vitest'
import { run } from '../run-process.ts'
import { type Outcome, outcomes, program, unavailable } from './programs.ts'

const reason = unavailable()

const programs = [
  'integer_instructions',
  'float_instructions',
  'half_instructions',
  'memory_instructions',
  'warp_instructions',
  'tensor_instructions',
  'driver_functions',
  'cublaslt_functions',
  'planted_bugs',
]

/** Two at a time: each compiles itself and its kernels. */
async function runAll(): Promise<Map<string, Outcome[]>> {
  const results = new Map<string, Outcome[]>()
  const waiting = [...programs]
  async function worker(): Promise<void> {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) results.set(name, await outcomes(name))
  }
  await Promise.all([worker(), worker()])
  return results
}

if (reason !== undefined) {
  describe.skip(`CUDA emulator (skipped: ${reason})`, () => {
    test.each(programs)('%s', () => undefined)
  })
} else {
  for (const [name, found] of await runAll()) {
    describe(`CUDA emulator: ${name}`, () => {
      test.each(found)('$name', ({ failure }) => expect(failure).toBeUndefined())
    })
  }

  test('CUDA emulator: a host that dereferences a device pointer is told so', async () => {
    const { signal, stderr } = await run(await program('fatal_bugs'), ['host-dereference'])
    expect(signal).toBe('SIGSEGV')
    expect(stderr).toContain('host code dereferenced a device pointer')
  })
}
