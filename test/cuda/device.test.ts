/** What a machine without a usable GPU is told: every way it can lack one. Each is a process of its own, as the driver is loaded once. */
import { describe, expect, test } from 'vitest'
import { run } from '../run-process.js'
import { describeCuda } from './describe-cuda.js'
import { driverVariable } from './emulated-cuda.js'

async function doctor(env: Readonly<Record<string, string>>): Promise<{ name: string } | { missing: string }> {
  const { stdout } = await run(process.execPath, ['dist/cli/main.js', 'doctor', '--json'], env)
  return (JSON.parse(stdout) as { gpu: { name: string } | { missing: string } }).gpu
}

describe('doctor says what is missing for device cuda', () => {
  test('a driver that is not there, by name', async () => {
    expect(await doctor({ [driverVariable]: '/nowhere/libcuda.so' })).toMatchObject({
      missing: expect.stringMatching(
        /^ATTUNE_CUDA_DRIVER names \/nowhere\/libcuda\.so, which could not be loaded/,
      ) as string,
    })
  })

  test('a library that is no driver', async () => {
    expect(await doctor({ [driverVariable]: 'libc.so.6' })).toMatchObject({
      missing: expect.stringContaining('The CUDA driver has no cuInit: it is too old.') as string,
    })
  })
})

describeCuda(() => {
  test('names the GPU', async () => {
    expect(await doctor({})).toMatchObject({
      name: expect.stringContaining('emulated on the CPU, not a GPU') as string,
    })
  })

  test.each([
    ['devices=0', /^There is no NVIDIA GPU in this machine/],
    ['driver=12040', /^The CUDA driver is of version 12\.4 and attune needs 13\.0 or newer\. Update the driver/],
    ['compute-capability=7.5', /compute capability 7\.5 and attune's kernels need 8\.0 or newer/],
  ])('%s', async (settings, message) => {
    expect(await doctor({ ATTUNE_CUDA_EMULATOR: settings })).toMatchObject({
      missing: expect.stringMatching(message) as string,
    })
  })
}, 'doctor, on emulated CUDA')
