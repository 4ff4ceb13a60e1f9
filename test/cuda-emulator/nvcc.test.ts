import { describe, expect, test } from 'vitest'
import { run } from '../run-process.ts'
import { fatBinary, nvcc, outcomes, program, unavailable } from './programs.ts'

const reason = unavailable()
const compiler = reason === undefined ? await nvcc() : { reason }

if ('reason' in compiler) {
  describe.skip(`CUDA emulator: kernels of nvcc (skipped: ${compiler.reason})`, () => {
    test.each(['kernels.cu', 'language.cu'])('%s', () => undefined)
  })
} else {
  const { path } = compiler
  for (const name of ['kernels', 'language']) {
    const found = await outcomes(`nvcc_${name}`, [await fatBinary(path, name)])
    describe(`CUDA emulator: ${name}.cu of nvcc`, () => {
      test.each(found)('$name', ({ failure }) => expect(failure).toBeUndefined())
    })
  }

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
