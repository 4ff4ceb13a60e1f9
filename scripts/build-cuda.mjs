// Compiles native/kernels/cuda/*.cu, each to a fat binary below build/cuda, when it or what it includes changed. Needs nvcc, taken from PyPI.
// `build-cuda.mjs [all|gate|ptx]`. all: machine code for every architecture named here, and PTX for those to come. gate: machine code
// for the one whose PTX is made anyway, which the tests look at, in a fraction of the time. ptx: PTX alone, which is all that the
// emulator reads. What has more already stays.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cudaPackages, cudaTools } from './cuda-tools.mjs'
import { eachAtOnce } from './each-at-once.mjs'
import { takeLock } from './lock.mjs'
import { capture, fail, missingCode, root, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const sources = 'native/kernels/cuda'
const output = 'build/cuda'
const ptx = '-gencode=arch=compute_80,code=compute_80'
const machineCode = (number) => `-gencode=arch=compute_${number},code=sm_${number}`
/** What each scope has code for; a later one has all that an earlier one has. */
const scopes = {
  ptx: [ptx],
  gate: [ptx, machineCode(80)],
  all: [ptx, ...[80, 86, 89, 90, 100, 120].map(machineCode)],
}
const flags = [
  '-fatbin',
  '-std=c++20',
  '-O3',
  '-Werror=all-warnings',
  '-Xptxas=-warn-spills',
  // The emulator reads the PTX, and its messages name lines of these files.
  '--no-compress',
  '-lineinfo',
  '-Inative',
]
/** What to say where there is no nvcc, or undefined. Builds what is not up to date. */
export async function buildCuda(scope = 'all') {
  const { nvcc, reason } = cudaTools()
  if (nvcc === undefined) return reason
  await takeLock(`${output}/build.lock`)
  mkdirSync(join(root, output), { recursive: true })
  const names = fatBinaries().map(({ name }) => name)
  for (const file of readdirSync(join(root, output))) {
    if (!file.endsWith('.lock') && !names.includes(file.split('.')[0])) rmSync(join(root, output, file))
  }
  const stale = names.filter((name) => !isBuilt(name, scope))
  if (stale.length > 0) say(`compiling ${stale.length} CUDA ${stale.length === 1 ? 'file' : 'files'}`)
  const failures = []
  await eachAtOnce(stale, async (name) => {
    const stamp = stampText(name, scope)
    const source = `${sources}/${name}.cu`
    const compiled = await capture(nvcc, [...flags, ...scopes[scope], source, '-o', fatBinary(name)])
    if (compiled.code === 0) writeStamp(stampOf(name), stamp)
    else failures.push(`${source} does not compile\n${compiled.output}`)
  })
  if (failures.length > 0) fail(failures.join('\n'))
  return undefined
}

function isBuilt(name, scope) {
  const order = Object.keys(scopes)
  const enough = order.slice(order.indexOf(scope)).map((each) => stampText(name, each))
  return existsSync(fatBinary(name)) && enough.includes(readStamp(stampOf(name)))
}

const stampText = (name, scope) => `${scope} ${sourceHash(name)}`

/** Those that are there, by the name of their source. */
export function fatBinaries() {
  return readdirSync(join(root, sources))
    .filter((file) => file.endsWith('.cu'))
    .map((file) => basename(file, '.cu'))
    .map((name) => ({ name, path: fatBinary(name) }))
}

const fatBinary = (name) => join(root, output, `${name}.fatbin`)
const stampOf = (name) => `${output}/${name}.stamp`

/** The file and what it includes of native/. */
function withIncludes(file, found = new Set()) {
  if (found.has(file)) return found
  found.add(file)
  const text = readFileSync(join(root, file), 'utf8')
  for (const [, header] of text.matchAll(/^\s*#include "([^"]+)"/gm)) withIncludes(`native/${header}`, found)
  return found
}

/** Of what a fat binary is made from: sources, flags, compiler. */
export function sourceHash(name) {
  const paths = [...withIncludes(`${sources}/${name}.cu`)]
  return hashOf({ paths, facts: [flags, cudaPackages] })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const scope = process.argv[2] ?? 'all'
  if (!Object.hasOwn(scopes, scope)) fail(`no scope '${scope}'; there are ${Object.keys(scopes).join(', ')}`, 2)
  const reason = await buildCuda(scope)
  if (reason !== undefined) fail(reason, missingCode)
  console.log(join(root, output))
}
