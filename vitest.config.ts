import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // The addon starts threads of its own: a process per file keeps one file's sessions out of another's.
    pool: 'forks',
    reporters: ['default', 'json'],
    outputFile: { json: 'build/test-results.json' },
    // Tests seldom keep more than one core busy.
    minWorkers: 1,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: 'cpu', include: ['test/**/*.test.ts'], env: { ATTUNE_DEVICE: 'cpu' } },
      },
      // The same tests on a GPU, emulated where there is none: models of all families against PyTorch's numbers, and a run from end to end.
      {
        extends: true,
        test: {
          name: 'cuda',
          include: [
            'test/parity/{attention,ops,training,lora,generation,packing,perplexity,bf16,token-rows,transformers}.test.ts',
            'test/models/{decoder,gradient-checkpointing,quantization}.test.ts',
            'test/generate/decode-loop.test.ts',
            'test/train/trainer.test.ts',
            'test/cli/train-tasks.test.ts',
          ],
          env: { ATTUNE_DEVICE: 'cuda' },
          setupFiles: ['test/cuda/setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      // With NVIDIA's library for matrix products, which has a stand-in where the GPU is emulated.
      {
        extends: true,
        test: {
          name: 'cublaslt',
          include: ['test/parity/bf16.test.ts'],
          env: { ATTUNE_DEVICE: 'cuda' },
          setupFiles: ['test/cuda/cublaslt-setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
