import { describe, expect, test } from 'vitest'
import { fatBinary, nvcc, outcomes, program, run, unavailable } from './programs.ts'

const reason = unavailable()
const compiler = reason === undefined ? await nvcc() : { reason }

if ('reason' in compiler) {
  describe.skip(`CUDA emulator: kernels of nvcc (skipped: ${compiler.reason})`, () => {
    test('kernels.cu', () => undefined)
  })
} else {
  const { path } = compiler
  const found = await outcomes('nvcc_kernels', [await fatBinary(path, 'kernels')])
  describe('CUDA emulator: kernels of nvcc', () => {
    test.each(found)('$name', ({ failure }) => expect(failure).toBeUndefined())
  })

  test('CUDA emulator: a missing __syncthreads in a kernel of nvcc', async () => {
    const image = await fatBinary(path, 'kernels', ['PLANT_MISSING_BARRIER'])
    const caught = await outcomes('nvcc_kernels', [image])
    const matmul = caught.find(({ name }) => name === 'matmul of whole tiles')
    expect(matmul?.failure).toContain('gives other bits')
    // The race detector names the lines of the source.
    const { stderr } = await run(await program('nvcc_kernels', 'tsan'), [image])
    expect(stderr).toContain('data race')
    expect(stderr).toContain('kernels.cu')
    const clean = await run(await program('nvcc_kernels', 'tsan'), [await fatBinary(path, 'kernels')])
    expect(clean.stderr).toBe('')
  }, 240_000)
}
