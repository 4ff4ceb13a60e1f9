// What each CUDA kernel takes on each architecture, as the compiled code says: registers, stack, spills, shared memory, how much of a
// multiprocessor its blocks can fill, and how many of the instructions it has that its speed rests on. `cuda-resources.mjs` writes the table.
// `--check` fails where it was made of other sources than these, or where two architectures compiled now take something else, so that a change
// is seen, and explained in its commit. Needs nvcc, g++ and cuobjdump.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildCuda, fatBinaries, sourceHash } from './build-cuda.mjs'
import { cudaTools } from './cuda-tools.mjs'
import { eachAtOnce } from './each-at-once.mjs'
import { occupancy, reservedShared } from './occupancy.mjs'
import { capture, fail, missingCode, root, say } from './run.mjs'

const table = 'native/kernels/cuda/resources.tsv'

/** By column: the instructions counted in it. Loads and stores of a stack are spills, or local arrays: there are to be none. */
const counted = {
  hmma: /^HMMA/,
  ldsm: /^LDSM/,
  ldgsts: /^LDGSTS/,
  ldg128: /^LDG\.E(?:\.\w+)*\.128/,
  stg128: /^STG\.E(?:\.\w+)*\.128/,
  local: /^(?:LDL|STL)/,
}
/**
 * `shared`: bytes that a kernel declares; `dynamic`: the most that launchers ask for beside them; `threads`: of a block; `blocks`,
 * `occupancy` (percent of the warps) and `limiter`: see occupancy.mjs.
 */
const columns = [
  ...[
    'module',
    'kernel',
    'arch',
    'registers',
    'stack',
    'shared',
    'dynamic',
    'threads',
    'blocks',
    'occupancy',
    'limiter',
  ],
  ...Object.keys(counted),
  'sources',
]

async function outputOf(command, args) {
  const { code, output } = await capture(command, args)
  if (code !== 0) fail(`${command} ${args.join(' ')} failed\n${output}`)
  return output
}

/** Bytes by kernel. */
async function dynamicSharedMemory() {
  const folder = mkdtempSync(join(tmpdir(), 'attune-resources-'))
  const program = join(folder, 'dynamic-shared-memory')
  await outputOf('g++', ['-std=c++20', '-Inative', 'scripts/dynamic-shared-memory.cpp', '-o', program])
  const lines = (await outputOf(program, [])).trimEnd().split('\n')
  rmSync(folder, { recursive: true })
  return new Map(lines.map((line) => line.split('\t')).map(([kernel, bytes]) => [kernel, Number(bytes)]))
}

/** Threads and dynamic shared memory of each kernel in a module's PTX. */
function blocksOf(ptx, dynamic) {
  const arrays = [...ptx.matchAll(/\.extern \.shared [^;]*?(\w+)\[\];/g)].map(([, array]) => array)
  const kernels = ptx.split(/\.entry (?=\w+\()/).slice(1)
  return new Map(
    kernels.map((text) => {
      const [kernel] = text.split('(', 1)
      const threads = Number(/\.maxntid (\d+)/.exec(text)?.[1])
      if (Number.isNaN(threads)) fail(`${kernel} does not say how many threads a block has (__launch_bounds__)`)
      const uses = arrays.some((array) => text.includes(array))
      if (uses && !dynamic.has(kernel)) fail(`scripts/dynamic-shared-memory.cpp does not know ${kernel}`)
      return [kernel, { threads, dynamic: uses ? dynamic.get(kernel) : 0 }]
    }),
  )
}

/** Rows by kernel and architecture, of one fat binary. */
async function resourcesOf(cuobjdump, { name, path }, dynamicOf) {
  const [usage, code, ptx] = await Promise.all(
    ['-res-usage', '-sass', '-ptx'].map((option) => outputOf(cuobjdump, [option, path])),
  )
  const blocks = blocksOf(ptx, dynamicOf)
  const rows = new Map()
  const sources = sourceHash(name).slice(0, 12)
  let arch, kernel
  for (const line of usage.split('\n')) {
    arch = /^arch = (\w+)/.exec(line)?.[1] ?? arch
    kernel = /Function (\w+):/.exec(line)?.[1] ?? kernel
    const used = /REG:(\d+) STACK:(\d+) SHARED:(\d+)/.exec(line)
    if (used === null) continue
    const counts = Object.fromEntries(Object.keys(counted).map((column) => [column, 0]))
    const [registers, stack, shared] = used.slice(1).map(Number)
    rows.set(`${kernel} ${arch}`, {
      ...{ module: name, kernel, arch, registers, stack, ...counts, sources },
      ...blockResources({ arch, registers, shared: declaredShared(arch, shared), ...blocks.get(kernel) }),
    })
  }
  let row
  for (const line of code.split('\n')) {
    arch = /^arch = (\w+)/.exec(line)?.[1] ?? arch
    const begins = /Function : (\w+)/.exec(line)
    if (begins !== null) row = rows.get(`${begins[1]} ${arch}`)
    // A predicate may stand before the instruction.
    const instruction = /^\s+\/\*[0-9a-f]+\*\/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)/.exec(line)?.[1]
    if (instruction === undefined || row === undefined) continue
    for (const [column, pattern] of Object.entries(counted)) if (pattern.test(instruction)) row[column]++
  }
  return [...rows.values()]
}

/** From sm_90 on what the system has in a block's shared memory is counted with what a kernel declares. */
function declaredShared(arch, counted) {
  return numberOf(arch) >= 90 && counted > 0 ? counted - reservedShared : counted
}

function blockResources({ arch, registers, threads, shared, dynamic }) {
  const { blocks, percent, limiter } = occupancy({ arch, registers, threads, shared: shared + dynamic })
  return { shared, dynamic, threads, blocks, occupancy: percent, limiter }
}

function numberOf(arch) {
  return Number(arch.slice(3))
}

const { bin, reason } = cudaTools()
if (bin === undefined) fail(reason, missingCode)
const check = process.argv.includes('--check')
await buildCuda(check ? 'gate' : 'all')
const rows = []
// cuobjdump looks for the disassembler on the path.
process.env.PATH = `${bin}:${process.env.PATH}`
const dynamic = await dynamicSharedMemory()
await eachAtOnce(fatBinaries(), async (file) => {
  rows.push(...(await resourcesOf(join(bin, 'cuobjdump'), file, dynamic)))
})
rows.sort((a, b) => (a.module + a.kernel).localeCompare(b.module + b.kernel) || numberOf(a.arch) - numberOf(b.arch))
const text = [columns, ...rows.map((row) => columns.map((column) => row[column]))].map((cells) => cells.join('\t'))
const found = `${text.join('\n')}\n`
if (check) {
  const known = readFileSync(join(root, table), 'utf8').trimEnd().split('\n')
  const present = new Set(rows.map(({ arch }) => arch))
  const lines = found.trimEnd().split('\n')
  const changed = lines.filter((line) => !known.includes(line))
  // Of architectures that were not compiled now, the hash of the sources says whether a row is true.
  const hashes = new Map(rows.map(({ kernel, sources }) => [kernel, sources]))
  const gone = known.slice(1).filter((line) => {
    const cells = line.split('\t')
    const [kernel, arch, sources] = [cells[1], cells[2], cells.at(-1)]
    return present.has(arch) ? !lines.includes(line) : hashes.get(kernel) !== sources
  })
  if (changed.length + gone.length > 0) {
    const shown = [...gone.map((line) => `- ${line}`), ...changed.map((line) => `+ ${line}`)].slice(0, 40)
    fail(
      `${table} is not what the kernels take now; run scripts/cuda-resources.mjs and explain the change\n${shown.join('\n')}`,
    )
  }
} else writeFileSync(join(root, table), found)
say(`${rows.length} kernels and architectures`)
console.log(join(root, table))
