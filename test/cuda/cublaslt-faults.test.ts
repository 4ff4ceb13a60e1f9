/** Which cuBLASLt is taken, and what is said where it cannot be. Each is a process of its own, whose environment says what there is. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cublasLtVariable } from '../../lib/session.js'
import { root, run, runProgram, type Run } from '../run-process.js'
import { describeCuda } from './describe-cuda.js'
import { driverVariable } from './emulated-cuda.js'
import { standIn, standInVariable } from './emulated-cublaslt.js'

/** Nothing is set of cuBLASLt, but for what `env` says. */
const settled = (env: Readonly<Record<string, string>>) => ({ [cublasLtVariable]: '', [standInVariable]: '', ...env })

function runDoctor(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Run> {
  return run(process.execPath, ['dist/cli/main.js', 'doctor', ...args], settled(env))
}

async function doctor(env: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await runDoctor(['--json'], env)
  return (JSON.parse(stdout) as { gpu: Record<string, string> }).gpu
}

/** Multiplies once, and prints what came of it. */
const program = `
import { native } from '${root}/dist/native.js'
import { openSession } from '${root}/dist/session.js'

const session = openSession({ device: 'cuda', threads: 1, instructionSet: '' })
const [rows, depth, columns] = [24, 16, 8]
session.defineParameter('x', [rows, depth], 'bf16')
session.defineParameter('w', [columns, depth], 'bf16')
await session.writeParameter('x', new Float32Array(rows * depth).fill(1))
await session.writeParameter('w', new Float32Array(columns * depth).fill(1))
const graph = new (native().Graph)('bf16')
const ids = [graph.parameter('x', [rows, depth]).id, graph.parameter('w', [columns, depth]).id, -1, -1, -1, -1]
graph.output('y', graph.node('linear', 'y', ids, {})[0].id)
let result
try {
  const { y } = await session.run(session.compile(graph, {}), { sizes: {}, inputs: {} }, { fetch: ['y'] })
  result = { value: y[0] }
} catch (error) {
  result = { code: error.code, message: error.message }
}
session.dispose()
console.log(JSON.stringify(result))
`

async function multiply(env: Readonly<Record<string, string>>): Promise<unknown> {
  const { stdout, stderr } = await runProgram(program, settled(env))
  expect(stdout, stderr).not.toBe('')
  return JSON.parse(stdout)
}

const matching = (pattern: RegExp) => expect.stringMatching(pattern) as string

describeCuda(() => {
  const library = standIn()
  const named = { [cublasLtVariable]: library ?? '' }
  const folder = mkdtempSync(join(tmpdir(), 'attune-libraries-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.skipIf(library === undefined)('the one that is named, by version and file', async () => {
    expect(await doctor(named)).toMatchObject({ products: `cuBLASLt 13.0.0 (${library})` })
  })

  test.skipIf(library === undefined)('the one that is installed, with the driver that is installed', async () => {
    symlinkSync(process.env[driverVariable]!, join(folder, 'libcuda.so.1'))
    symlinkSync(library!, join(folder, 'libcublasLt.so.13'))
    const installed = { LD_LIBRARY_PATH: folder }
    expect(await doctor({ ...installed, [driverVariable]: '' })).toMatchObject({
      products: matching(/^cuBLASLt 13\.0\.0 /),
    })
    // It would call the installed driver, not the one that is named.
    expect(await doctor(installed)).toMatchObject({ products: 'attune' })
    expect(await doctor({ ...installed, [driverVariable]: '', [cublasLtVariable]: 'off' })).toMatchObject({
      products: 'attune',
    })
  })

  test.skipIf(library === undefined)('none where none is named, and then the doctor says how to get it', async () => {
    const told = async (value: string) => {
      const { stdout } = await runDoctor([], { [cublasLtVariable]: value })
      return stdout.replace(/\s+/g, ' ')
    }
    const advice = "NVIDIA's cuBLASLt computes them where it is installed"
    for (const value of ['', 'off']) expect(await told(value)).toContain('products attune')
    expect(await told('')).toContain(advice)
    expect(await told('off')).not.toContain(advice)
  })

  async function expectRefused(env: Readonly<Record<string, string>>, message: RegExp): Promise<void> {
    const { missing } = await doctor(env)
    expect(missing).toMatch(message)
    expect(missing).toMatch(/or set ATTUNE_CUBLASLT=off to compute with attune's own kernels\.$/)
  }

  test.each([
    [
      'a file that is not there',
      '/nowhere/libcublasLt.so.13',
      /^ATTUNE_CUBLASLT names \/nowhere\/libcublasLt\.so\.13, which could not be loaded/,
    ],
    ['a library that is another', 'libc.so.6', /^libc\.so\.6 has no cublasLtCreate: it is not cuBLASLt, or too old/],
  ])('%s is refused, with the way out', async (_, path, message) => {
    await expectRefused({ [cublasLtVariable]: path }, message)
  })

  test.skipIf(library === undefined).each([
    ['one that is too old', 'version=111103', /^cuBLASLt 11\.11\.3 \(.*\) is too old: attune takes 12\.0\.0 and newer/],
    [
      'one that does not start',
      'fail-create=1',
      /^cuBLASLt 13\.0\.0 \(.*\) could not start on this GPU: .*\(CUBLAS_STATUS_NOT_INITIALIZED, 1\)/,
    ],
  ])('%s is refused, with the way out', async (_, settings, message) => {
    await expectRefused({ ...named, [standInVariable]: settings }, message)
  })

  test.skipIf(library === undefined)(
    'a product that it cannot queue, or that fails as it runs, is a failure of the device',
    async () => {
      expect(await multiply(named)).toEqual({ value: 16 })
      expect(await multiply({ ...named, [standInVariable]: 'fail-product=1' })).toEqual({
        code: 'device-failed',
        message: matching(/^cuBLASLt 13\.0\.0 .* could not queue a product: .*\(CUBLAS_STATUS_EXECUTION_FAILED, 13\)/),
      })
      expect(await multiply({ ...named, ATTUNE_CUDA_EMULATOR: 'fail-launch=1' })).toEqual({
        code: 'device-failed',
        message: matching(/^CUDA could not finish its work: .*CUDA_ERROR_LAUNCH_FAILED, 719/),
      })
    },
  )

  test.skipIf(library === undefined)('a product that it has no algorithm for is one for our own kernels', async () => {
    expect(await multiply({ ...named, [standInVariable]: 'algorithms=0' })).toEqual({ value: 16 })
  })

  test.skipIf(library === undefined)('its workspace is named where there is no memory for it', async () => {
    expect(await doctor({ ...named, ATTUNE_CUDA_EMULATOR: 'memory=2M' })).toMatchObject({
      missing: matching(/^Could not get 4 MiB for cuBLASLt's workspace/),
    })
  })
})
