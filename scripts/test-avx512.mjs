// Runs tests on the kernels for AVX-512 and AVX-512-BF16 on a processor that has only AVX2: a build of its own in which SIMDe makes the
// intrinsics of AVX2 instructions. It shows that they compute what they should, not how fast. Never the build that is used.
// `npm run test:avx512 -- <files>` runs other tests; ATTUNE_ISA chooses the set where a test does not.
import { join } from 'node:path'
import { startVitest } from 'vitest/node'
import { buildTestAddon } from './build-native.mjs'
import { simdeHeaders } from './native-tools.mjs'
import { fail, missingCode, root } from './run.mjs'

const chosen = [
  'test/instruction-sets.test.ts',
  'test/ops/ops.test.ts',
  'test/parity/attention.test.ts',
  'test/parity/ops.test.ts',
]

if (process.arch !== 'x64') fail('AVX-512 is emulated on x64 processors with AVX2; this one is another', missingCode)

const include = [join(root, 'test/avx512'), simdeHeaders()].map((folder) => `-isystem${folder}`)
process.env.ATTUNE_ADDON = buildTestAddon('avx512', {
  onHost: true,
  variables: [
    // -O1: the compiler has less to do. psabi: it says that 64-byte vectors are passed otherwise than with AVX-512.
    `avx512=${[...include, '-mavx2 -mfma -mf16c -mbmi2 -O1 -Wno-psabi'].join(' ')}`,
    'avx512_bf16=',
    'emulated_avx512=1',
  ],
  paths: ['test/avx512'],
})
const files = process.argv.slice(2)
const vitest = await startVitest('test', files.length > 0 ? files : chosen, {
  watch: false,
  outputFile: { json: 'build/avx512/test-results.json' },
  testTimeout: 600_000,
  hookTimeout: 600_000,
})
await vitest.close()
