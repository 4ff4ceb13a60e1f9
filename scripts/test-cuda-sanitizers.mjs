// ThreadSanitizer and AddressSanitizer over attune's CUDA kernels, on the emulator: records what tests do on it, and plays that to its
// variants with a sanitizer. It takes long, for each kernel is compiled twice more.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startVitest } from 'vitest/node'
import { fail, root, run } from './run.mjs'

const output = 'build/cuda-sanitizers'
const tapes = join(root, output, 'tapes')

/** What is recorded, each file of tests as a tape: every op in both dtypes, products of other sizes, optimizers, and models. */
const recordings = [
  {
    project: 'cpu',
    files: ['ops', 'linear', 'quantization', 'optimizer'].map((name) => `test/cuda/${name}.test.ts`),
  },
  // By attune's own products alone: what cuBLASLt's stand-in computes is work of the host, which a tape has not.
  { project: 'cpu', files: ['test/cuda/training.test.ts'], testNamePattern: 'same bits in \\w+ by attune' },
  { project: 'cuda', files: ['test/models/decoder.test.ts'] },
]

async function test({ files, ...options }) {
  const vitest = await startVitest('test', files, {
    watch: false,
    outputFile: { json: join(root, output, 'test-results.json') },
    testTimeout: 3_600_000,
    ...options,
  })
  await vitest.close()
  if (process.exitCode) fail(`tests failed: ${files.join(', ')}`)
}

for (const variant of ['plain', 'tsan', 'asan']) run(process.execPath, ['scripts/prepare-emulated-cuda.mjs', variant])
rmSync(tapes, { recursive: true, force: true })
mkdirSync(tapes, { recursive: true })
process.env.ATTUNE_CUDA_EMULATOR = `tape=${tapes}`
for (const recording of recordings) await test(recording)
delete process.env.ATTUNE_CUDA_EMULATOR
process.env.ATTUNE_CUDA_TAPES = tapes
await test({ project: 'cpu', files: ['test/cuda/sanitizers.test.ts'], maxConcurrency: 2 })
