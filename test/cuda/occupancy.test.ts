/** What blocks of a kernel leave of a multiprocessor: worked out by hand from NVIDIA's tables. */
import { expect, test } from 'vitest'
import { occupancy } from '../../scripts/occupancy.mjs'

const block = { arch: 'sm_90', registers: 32, threads: 128, shared: 0 }

test.each([
  ['sm_80', 16, 100],
  ['sm_86', 12, 100],
  ['sm_89', 12, 100],
  ['sm_90', 16, 100],
  ['sm_100', 16, 100],
  ['sm_120', 12, 100],
])('%s has room for the threads of %i small blocks', (arch, blocks, percent) => {
  expect(occupancy({ ...block, arch })).toEqual({ blocks, percent, limiter: 'threads' })
})

test.each([
  ['sm_80', 32, 50],
  ['sm_86', 16, 33],
  ['sm_89', 24, 50],
  ['sm_120', 24, 50],
])('%s has %i blocks at most, however small', (arch, blocks, percent) => {
  expect(occupancy({ ...block, arch, threads: 32 })).toEqual({ blocks, percent, limiter: 'blocks' })
})

test('a warp gets registers by 256, and has them in one of four parts', () => {
  // 33 x 32 round up to 1,280: 12 warps in each part of 16,384.
  expect(occupancy({ ...block, registers: 33 })).toEqual({ blocks: 12, percent: 75, limiter: 'registers' })
  // 255 x 32 round up to 8,192: 2 warps a part.
  expect(occupancy({ ...block, registers: 255 })).toEqual({ blocks: 2, percent: 13, limiter: 'registers' })
  // 168 x 32 are 5,376: 3 warps a part, so 12, where the registers of all parts together would do for 12.19.
  expect(occupancy({ ...block, registers: 168, threads: 96 })).toMatchObject({ blocks: 4, limiter: 'registers' })
})

test('shared memory is given by 128 bytes, and the system has a KiB of every block', () => {
  const at = (arch: string, shared: number) => occupancy({ ...block, arch, shared })
  // 164 KiB hold four blocks of 40 KiB + 1 KiB, and not of a byte more.
  expect(at('sm_80', 40 << 10)).toEqual({ blocks: 4, percent: 25, limiter: 'shared' })
  expect(at('sm_80', (40 << 10) + 1)).toMatchObject({ blocks: 3, limiter: 'shared' })
  // The most that a block can have.
  for (const [arch, kibibytes] of [
    ['sm_80', 163],
    ['sm_86', 99],
    ['sm_90', 227],
    ['sm_120', 99],
  ] as const) {
    expect(at(arch, kibibytes << 10), arch).toMatchObject({ blocks: 1 })
    expect(at(arch, (kibibytes << 10) + 1), arch).toMatchObject({ blocks: 0 })
  }
})

test('what is short first is named, threads before registers', () => {
  expect(occupancy({ ...block, registers: 128, shared: 46080 })).toEqual({
    blocks: 4,
    percent: 25,
    limiter: 'registers',
  })
  expect(occupancy({ ...block, arch: 'sm_80', registers: 40, shared: 100 })).toMatchObject({ limiter: 'registers' })
  expect(occupancy({ ...block, threads: 1024, registers: 32 })).toEqual({ blocks: 2, percent: 100, limiter: 'threads' })
})

test('an architecture without limits is an error', () => {
  expect(() => occupancy({ ...block, arch: 'sm_70' })).toThrow('no limits of sm_70 are known')
})
