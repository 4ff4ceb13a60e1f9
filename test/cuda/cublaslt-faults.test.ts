/** Which cuBLASLt is taken, and what is said where it cannot be. Each is a process of its own, whose environment says what there is. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { cublasLtVariable } from '../../lib/session.js'
import { describeCuda } from './describe-cuda.js'
import { driverVariable } from './emulated-cuda.js'
import { standIn, standInVariable } from './emulated-cublaslt.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

function run(args: readonly string[], env: Readonly<Record<string, string>>): { stdout: string; stderr: string } {
  const unset = { [cublasLtVariable]: '', [standInVariable]: '' }
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, ...unset, ...env },
  })
  return { stdout, stderr }
}

function doctor(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { stdout } = run([join(root, 'dist/cli/main.js'), 'doctor', '--json'], env)
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

function multiply(env: Readonly<Record<string, string>>): unknown {
  const { stdout, stderr } = run(['--input-type=module', '-e', program], env)
  expect(stdout, stderr).not.toBe('')
  return JSON.parse(stdout)
}

const matching = (pattern: RegExp) => expect.stringMatching(pattern) as string

describeCuda(() => {
  const library = standIn()
  const named = { [cublasLtVariable]: library ?? '' }
  const folder = mkdtempSync(join(tmpdir(), 'attune-libraries-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.skipIf(library === undefined)('the one that is named, by version and file', () => {
    expect(doctor(named)).toMatchObject({ products: `cuBLASLt 13.0.0 (${library})` })
  })

  test.skipIf(library === undefined)('the one that is installed, with the driver that is installed', () => {
    symlinkSync(process.env[driverVariable]!, join(folder, 'libcuda.so.1'))
    symlinkSync(library!, join(folder, 'libcublasLt.so.13'))
    const installed = { LD_LIBRARY_PATH: folder }
    expect(doctor({ ...installed, [driverVariable]: '' })).toMatchObject({ products: matching(/^cuBLASLt 13\.0\.0 /) })
    // It would call the installed driver, not the one that is named.
    expect(doctor(installed)).toMatchObject({ products: 'attune' })
    expect(doctor({ ...installed, [driverVariable]: '', [cublasLtVariable]: 'off' })).toMatchObject({
      products: 'attune',
    })
  })

  test.skipIf(library === undefined)('none where none is named, and then the doctor says how to get it', () => {
    const told = (value: string) =>
      run([join(root, 'dist/cli/main.js'), 'doctor'], { [cublasLtVariable]: value }).stdout.replace(/\s+/g, ' ')
    const advice = "NVIDIA's cuBLASLt computes them where it is installed"
    for (const value of ['', 'off']) expect(told(value)).toContain('products attune')
    expect(told('')).toContain(advice)
    expect(told('off')).not.toContain(advice)
  })

  test.each([
    [
      'a file that is not there',
      '/nowhere/libcublasLt.so.13',
      '',
      /^ATTUNE_CUBLASLT names \/nowhere\/libcublasLt\.so\.13, which could not be loaded/,
    ],
    [
      'a library that is another',
      'libc.so.6',
      '',
      /^libc\.so\.6 has no cublasLtCreate: it is not cuBLASLt, or too old/,
    ],
    [
      'one that is too old',
      undefined,
      'version=111103',
      /^cuBLASLt 11\.11\.3 \(.*\) is too old: attune takes 12\.0\.0 and newer/,
    ],
    [
      'one that does not start',
      undefined,
      'fail-create=1',
      /^cuBLASLt 13\.0\.0 \(.*\) could not start on this GPU: .*\(CUBLAS_STATUS_NOT_INITIALIZED, 1\)/,
    ],
  ])('%s is refused, with the way out', (_, path, settings, message) => {
    if (path === undefined && library === undefined) return
    const env = { [cublasLtVariable]: path ?? library!, [standInVariable]: settings }
    const { missing } = doctor(env)
    expect(missing).toMatch(message)
    expect(missing).toMatch(/or set ATTUNE_CUBLASLT=off to compute with attune's own kernels\.$/)
  })

  test.skipIf(library === undefined)(
    'a product that it cannot queue, or that fails as it runs, is a failure of the device',
    () => {
      expect(multiply(named)).toEqual({ value: 16 })
      expect(multiply({ ...named, [standInVariable]: 'fail-product=1' })).toEqual({
        code: 'device-failed',
        message: matching(/^cuBLASLt 13\.0\.0 .* could not queue a product: .*\(CUBLAS_STATUS_EXECUTION_FAILED, 13\)/),
      })
      expect(multiply({ ...named, ATTUNE_CUDA_EMULATOR: 'fail-launch=1' })).toEqual({
        code: 'device-failed',
        message: matching(/^CUDA could not finish its work: .*CUDA_ERROR_LAUNCH_FAILED, 719/),
      })
    },
  )

  test.skipIf(library === undefined)('a product that it has no algorithm for is one for our own kernels', () => {
    expect(multiply({ ...named, [standInVariable]: 'algorithms=0' })).toEqual({ value: 16 })
  })

  test.skipIf(library === undefined)('its workspace is named where there is no memory for it', () => {
    expect(doctor({ ...named, ATTUNE_CUDA_EMULATOR: 'memory=2M' })).toMatchObject({
      missing: matching(/^Could not get 4 MiB for cuBLASLt's workspace/),
    })
  })
})
