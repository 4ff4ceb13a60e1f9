import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The addon starts threads of its own: a process per file keeps one file's sessions out of another's.
    pool: 'forks',
    reporters: ['default', 'json'],
    outputFile: { json: 'build/test-results.json' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
