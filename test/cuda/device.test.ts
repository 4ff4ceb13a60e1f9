/** What a machine without a usable GPU is told: every way it can lack one. Each is a process of its own, as the driver is loaded once. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { describeCuda } from './describe-cuda.js'
import { driverVariable } from './emulated-cuda.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

function doctor(env: Readonly<Record<string, string>>): { name: string } | { missing: string } {
  const { stdout } = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), 'doctor', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return (JSON.parse(stdout) as { gpu: { name: string } | { missing: string } }).gpu
}

describe('doctor says what is missing for device cuda', () => {
  test('a driver that is not there, by name', () => {
    expect(doctor({ [driverVariable]: '/nowhere/libcuda.so' })).toMatchObject({
      missing: expect.stringMatching(
        /^ATTUNE_CUDA_DRIVER names \/nowhere\/libcuda\.so, which could not be loaded/,
      ) as string,
    })
  })

  test('a library that is no driver', () => {
    expect(doctor({ [driverVariable]: 'libc.so.6' })).toMatchObject({
      missing: expect.stringContaining('The CUDA driver has no cuInit: it is too old.') as string,
    })
  })
})

describeCuda(() => {
  test('names the GPU', () => {
    expect(doctor({})).toMatchObject({ name: expect.stringContaining('emulated on the CPU, not a GPU') as string })
  })

  test.each([
    ['devices=0', /^There is no NVIDIA GPU in this machine/],
    ['driver=12040', /^The CUDA driver is of version 12\.4 and attune needs 13\.0 or newer\. Update the driver/],
    ['compute-capability=7.5', /compute capability 7\.5 and attune's kernels need 8\.0 or newer/],
  ])('%s', (settings, message) => {
    expect(doctor({ ATTUNE_CUDA_EMULATOR: settings })).toMatchObject({
      missing: expect.stringMatching(message) as string,
    })
  })
}, 'doctor, on emulated CUDA')
