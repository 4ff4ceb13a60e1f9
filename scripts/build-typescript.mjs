// Compiles lib/ to dist/ when it changed.
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root, run, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const stamp = 'dist/.stamp'

export function buildTypeScript() {
  const require = createRequire(import.meta.url)
  const hash = hashOf({ paths: ['lib', 'tsconfig.json'], facts: [require('typescript/package.json').version] })
  if (readStamp(stamp) === hash) return
  say('compiling TypeScript')
  // A module that was renamed must not live on in dist/.
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  run(process.execPath, [require.resolve('typescript/bin/tsc')])
  writeStamp(stamp, hash)
}
