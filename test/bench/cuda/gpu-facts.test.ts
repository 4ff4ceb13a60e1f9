import { expect, test } from 'vitest'
import { gpuQuery, parseGpuQuery } from '../../../bench/cuda/gpu-facts.js'
import { gpuNamed } from '../../../bench/cuda/gpus.js'
import { gpu } from './made-result.js'

test('a line of nvidia-smi, of the first of two cards', () => {
  const lines = [
    'NVIDIA A100-SXM4-80GB, 580.65.06, 81920, 400.00, 400.00, 1155, 1410, 1593, 1593, 41, 8.0',
    'NVIDIA A100-SXM4-80GB, 580.65.06, 81920, 300.00, 400.00, 210, 1410, 1593, 1593, 30, 8.0',
  ]
  expect(parseGpuQuery(`${lines.join('\n')}\n`)).toEqual(gpu)
})

test('what a card does not know is left out', () => {
  const line = 'NVIDIA GeForce RTX 4090, 570.1, 24564, [N/A], [Not Supported], 2520, 3105, 10501, 10501, , 8.9'
  const facts = parseGpuQuery(line)
  expect(facts).toMatchObject({ powerLimit: undefined, powerMaximum: undefined, temperature: undefined, clock: 2520 })
})

test('as many fields as were asked for', () => {
  expect(gpuQuery[0]?.split(',')).toHaveLength(11)
  expect(() => parseGpuQuery('NVIDIA-SMI has failed, because')).toThrow(/gave 2 fields where 11 were asked for/)
})

test.each([
  ['NVIDIA A100-SXM4-80GB', 'A100 80GB'],
  ['NVIDIA A100 80GB PCIe', 'A100 80GB'],
  ['NVIDIA H100 80GB HBM3', 'H100 SXM'],
  ['NVIDIA H200', 'H200 SXM'],
  ['NVIDIA GeForce RTX 4090', 'RTX 4090'],
  ['NVIDIA A100-SXM4-40GB', undefined],
  ['NVIDIA H100 PCIe', undefined],
  ['NVIDIA H200 NVL', undefined],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', undefined],
])('data sheet of %s: %s', (hardware, name) => {
  expect(gpuNamed(hardware)?.name).toBe(name)
})
