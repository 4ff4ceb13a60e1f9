// Builds build/Release/attune.node with node-gyp when its sources changed, and addons for the tests of other processors.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { available, fail, root, run, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const sources = ['native', 'binding.gyp', 'scripts/native-sources.mjs']

const cached = (compiler) => (available('ccache') ? `ccache ${compiler}` : compiler)

function compiler() {
  if (process.env.CXX !== undefined) return process.env.CXX
  const found = ['g++', 'clang++'].find(available)
  if (found === undefined) fail('no C++ compiler: install g++ 12 or clang++ 16 (or newer), or name one in CXX')
  return cached(found)
}

/** Headers beside the running node spare node-gyp a download. */
function headers() {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : []
}

/** Runs node-gyp in `folder`, below which build/ is made. */
function gyp(folder, { env, options = [], variables = [] }) {
  const defined = process.env.CI ? [...variables, 'werror=-Werror'] : variables
  if (!available('make')) fail('make is missing: install it (Debian: build-essential, macOS: xcode-select --install)')
  const script = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const jobs = String(Math.max(2, availableParallelism()))
  const all = ['--loglevel=warn', '-C', folder, ...headers(), ...options]
  run(process.execPath, [script, 'configure', ...all, '--', ...defined.map((variable) => `-D${variable}`)], { env })
  run(process.execPath, [script, 'build', '--jobs', jobs, ...all], { env })
}

/** Who installs attune compiles it once, and need not keep half a gigabyte of objects and precompiled headers. */
function removeObjects() {
  for (const folder of ['obj.target', '.deps'])
    rmSync(join(root, 'build/Release', folder), { recursive: true, force: true })
}

export function buildNative() {
  const addon = 'build/Release/attune.node'
  const stamp = 'build/native.stamp'
  const CXX = compiler()
  const hash = hashOf({ paths: sources, facts: [process.version, process.platform, process.arch, CXX] })
  if (existsSync(join(root, addon)) && readStamp(stamp) === hash) return
  say('building the native addon')
  gyp('.', { env: { CXX } })
  if (root.split(sep).includes('node_modules')) removeObjects()
  writeStamp(stamp, hash)
}

/**
 * An addon for tests alone, made below build/<name> from a copy of the sources: node-gyp builds where binding.gyp lies, and
 * build/Release must stay. Returns its absolute path.
 * `env`: CXX, CXXFLAGS and what else make is to take; `options` of node-gyp; `variables` of binding.gyp; `paths` of further sources.
 * `onHost`: starts from the host's objects, so that only what `variables` change is compiled.
 */
export function buildTestAddon(name, { env = {}, options = [], variables = [], paths = [], onHost = false }) {
  const folder = `build/${name}`
  const addon = join(root, folder, 'build/Release/attune.node')
  const stamp = `${folder}/native.stamp`
  const CXX = env.CXX === undefined ? compiler() : cached(env.CXX)
  const facts = [process.version, { ...env, CXX }, options, variables]
  const hash = hashOf({ paths: [...sources, ...paths], facts })
  if (existsSync(addon) && readStamp(stamp) === hash) return addon
  if (onHost) buildNative()
  say(`building the addon of ${folder}`)
  mkdirSync(join(root, folder), { recursive: true })
  const copies = ['native', 'scripts', 'binding.gyp', ...(onHost ? ['build/Release'] : [])]
  for (const copy of copies) {
    rmSync(join(root, folder, copy), { recursive: true, force: true })
    cpSync(join(root, copy), join(root, folder, copy), { recursive: true, preserveTimestamps: true })
  }
  gyp(folder, { env: { ...env, CXX }, options, variables })
  writeStamp(stamp, hash)
  return addon
}
