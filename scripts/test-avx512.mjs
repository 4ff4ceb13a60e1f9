// Runs tests on the kernels for AVX-512, AVX-512-BF16 and AMX on a processor that has only AVX2: a build of its own in which SIMDe makes the
// intrinsics of AVX2 instructions. It shows that they compute what they should, not how fast. Never the build that is used.
// `npm run test:avx512 -- <files>` runs other tests; ATTUNE_ISA chooses the set where a test does not.
import { join } from 'node:path'
import { buildTestAddon } from './build-native.mjs'
import { simdeHeaders } from './native-tools.mjs'
import { runEmulatedTests } from './run-emulated-tests.mjs'
import { fail, missingCode, root } from './run.mjs'

const chosen = [
  'test/instruction-sets.test.ts',
  'test/engine/adamw_8bit.test.ts',
  'test/engine/large-products.test.ts',
  'test/graph/fuse-activation.test.ts',
  'test/graph/shared-inputs.test.ts',
  'test/ops/ops.test.ts',
  'test/parity/attention.test.ts',
  'test/parity/ops.test.ts',
]

if (process.arch !== 'x64') fail('AVX-512 is emulated on x64 processors with AVX2; this one is another', missingCode)

const include = [join(root, 'test/avx512'), simdeHeaders()].map((folder) => `-isystem${folder}`)
const addon = buildTestAddon('avx512', {
  onHost: true,
  variables: [
    // -O1: the compiler has less to do. psabi: it says that 64-byte vectors are passed otherwise than with AVX-512.
    `avx512=${[...include, '-mavx2 -mfma -mf16c -mbmi2 -O1 -Wno-psabi'].join(' ')}`,
    'avx512_bf16=',
    'avx512_amx=',
    'emulated_avx512=1',
  ],
  paths: ['test/avx512'],
})
await runEmulatedTests('avx512', addon, chosen)
