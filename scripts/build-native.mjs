// Builds build/Release/attune.node with node-gyp when its sources changed.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { available, fail, root, run, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const addon = 'build/Release/attune.node'
const stamp = 'build/native.stamp'

function compiler() {
  if (process.env.CXX !== undefined) return process.env.CXX
  const found = ['g++', 'clang++'].find(available)
  if (found === undefined) fail('no C++ compiler: install g++ 12 or clang++ 16 (or newer), or name one in CXX')
  return available('ccache') ? `ccache ${found}` : found
}

/** Headers beside the running node spare node-gyp a download. */
function headers() {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : []
}

export function buildNative() {
  const sources = { paths: ['native', 'binding.gyp', 'scripts/native-sources.mjs'] }
  const CXX = compiler()
  const hash = hashOf({ ...sources, facts: [process.version, process.platform, process.arch, CXX] })
  if (existsSync(join(root, addon)) && readStamp(stamp) === hash) return
  if (!available('make')) fail('make is missing: install it (Debian: build-essential, macOS: xcode-select --install)')
  say('building the native addon')
  const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const jobs = String(Math.max(2, availableParallelism()))
  const options = ['--loglevel=warn', ...headers()]
  run(process.execPath, [gyp, 'configure', ...options], { env: { CXX } })
  run(process.execPath, [gyp, 'build', '--jobs', jobs, ...options], { env: { CXX } })
  writeStamp(stamp, hash)
}
