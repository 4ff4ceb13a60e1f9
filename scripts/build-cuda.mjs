// Compiles native/kernels/cuda/*.cu, each to a fat binary below build/cuda, when it or a header changed. Needs nvcc, taken from PyPI.
// `build-cuda.mjs`: machine code for every architecture named here, and PTX for those to come. `build-cuda.mjs ptx`: PTX alone, which
// is all that the emulator reads, in a tenth of the time; files that have more already stay.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cudaTools } from './cuda-tools.mjs'
import { takeLock } from './lock.mjs'
import { capture, fail, missingCode, root, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const sources = 'native/kernels/cuda'
const output = 'build/cuda'
const architectures = [80, 86, 89, 90, 100, 120]
const ptx = '-gencode=arch=compute_80,code=compute_80'
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
const machineCode = architectures.map((number) => `-gencode=arch=compute_${number},code=sm_${number}`)

/** What to say where there is no nvcc, or undefined. Builds what is not up to date. */
export async function buildCuda({ onlyPtx = false } = {}) {
  const { nvcc, reason } = cudaTools()
  if (nvcc === undefined) return reason
  await takeLock(`${output}/build.lock`)
  mkdirSync(join(root, output), { recursive: true })
  const files = readdirSync(join(root, sources))
  const headers = files.filter((file) => /\.(?:h|cuh)$/.test(file)).map((file) => `${sources}/${file}`)
  const names = files.filter((file) => file.endsWith('.cu')).map((file) => basename(file, '.cu'))
  for (const file of readdirSync(join(root, output))) {
    if (!file.endsWith('.lock') && !names.includes(file.split('.')[0])) rmSync(join(root, output, file))
  }
  const stale = names.filter((name) => {
    const hash = hashes(name, headers)
    const known = existsSync(fatBinary(name)) ? readStamp(stampOf(name)) : undefined
    return known !== hash.all && !(onlyPtx && known === hash.ptx)
  })
  if (stale.length > 0) say(`compiling ${stale.length} CUDA ${stale.length === 1 ? 'file' : 'files'}`)
  const failures = []
  async function worker() {
    for (let name = stale.shift(); name !== undefined; name = stale.shift()) {
      const code = onlyPtx ? [ptx] : [...machineCode, ptx]
      const compiled = await capture(nvcc, [...flags, ...code, `${sources}/${name}.cu`, '-o', fatBinary(name)])
      if (compiled.code === 0) writeStamp(stampOf(name), hashes(name, headers)[onlyPtx ? 'ptx' : 'all'])
      else failures.push(`${sources}/${name}.cu does not compile\n${compiled.output}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  if (failures.length > 0) fail(failures.join('\n'))
  return undefined
}

/** Those that are there, by the name of their source. */
export function fatBinaries() {
  return readdirSync(join(root, sources))
    .filter((file) => file.endsWith('.cu'))
    .map((file) => basename(file, '.cu'))
    .map((name) => ({ name, path: fatBinary(name) }))
}

const fatBinary = (name) => join(root, output, `${name}.fatbin`)
const stampOf = (name) => `${output}/${name}.stamp`

function hashes(name, headers) {
  const paths = [`${sources}/${name}.cu`, ...headers, 'scripts/build-cuda.mjs', 'scripts/cuda-tools.mjs']
  return { ptx: hashOf({ paths, facts: ['ptx'] }), all: hashOf({ paths, facts: ['all'] }) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reason = await buildCuda({ onlyPtx: process.argv[2] === 'ptx' })
  if (reason !== undefined) fail(reason, missingCode)
  console.log(join(root, output))
}
