// Compiles lib/ to dist/, and bench/ to dist-bench/, when it changed.
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root, run, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

function compile(project, sources, output) {
  const require = createRequire(import.meta.url)
  const stamp = `${output}/.stamp`
  const paths = [...sources, 'tsconfig.json', project]
  const hash = hashOf({ paths, facts: [require('typescript/package.json').version] })
  if (readStamp(stamp) === hash) return
  say(`compiling ${sources[0]}/ to ${output}/`)
  // A module that was renamed must not live on in the output.
  rmSync(join(root, output), { recursive: true, force: true })
  run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', project])
  writeStamp(stamp, hash)
}

export function buildTypeScript() {
  compile('tsconfig.json', ['lib'], 'dist')
}

/** The benchmarks import dist/, so that they measure what users run. */
export function buildBench() {
  compile('tsconfig.bench.json', ['bench', 'lib'], 'dist-bench')
}
