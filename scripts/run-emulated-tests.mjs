// Runs vitest with an addon for a processor that is emulated.
import { startVitest } from 'vitest/node'

/**
 * Test files with the addon at `addon`, results to build/<name>/test-results.json. Files named on the command line come in place of those
 * `chosen`. Resolves when vitest has ended; process.exitCode says how.
 */
export async function runEmulatedTests(name, addon, chosen) {
  process.env.ATTUNE_ADDON = addon
  const files = process.argv.slice(2)
  const vitest = await startVitest('test', files.length > 0 ? files : chosen, {
    watch: false,
    project: 'cpu',
    outputFile: { json: `build/${name}/test-results.json` },
    // Emulated processes are slow, and so is starting them.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  })
  await vitest.close()
}
