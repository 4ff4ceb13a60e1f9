// Builds the CUDA emulator of test/cuda-emulator, and its stand-in for cuBLASLt beside it, and prints the path of the emulator's library
// last.
// `build-cuda-emulator.mjs [plain|tsan|asan]`: the other two find races and accesses out of bounds, for programs
// built with the same sanitizer.
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eachAtOnce } from './each-at-once.mjs'
import { filesBelow } from './files-below.mjs'
import { takeLock } from './lock.mjs'
import { available, capture, fail, missingCode, root, run, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const sources = 'test/cuda-emulator'
const output = 'build/cuda-emulator'
const folders = ['driver', 'scheduler', 'translator']
/** What becomes a library of its own, as NVIDIA's is. */
const standIn = 'cublaslt'
/**
 * Variants differ in the scheduler only, which tells a sanitizer what it must know. The emulator itself is not
 * watched: it is one thread that plays many.
 */
const variants = { plain: [], tsan: ['-DEMULATOR_TSAN'], asan: ['-DEMULATOR_ASAN'] }
/** What a program that loads a variant is built with. */
export const sanitizerFlags = { plain: [], tsan: ['-fsanitize=thread'], asan: ['-fsanitize=address'] }

function emulatorLibrary(variant = 'plain') {
  return join(root, output, `libcuda-emulated${variant === 'plain' ? '' : `-${variant}`}.so`)
}

/** Why this machine cannot run the emulator, or undefined. */
export function emulatorUnavailable() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the CUDA emulator runs on Linux x86-64 only'
  return available('g++') ? undefined : 'the CUDA emulator needs g++'
}

export async function buildCudaEmulator(variant = 'plain') {
  if (!Object.hasOwn(variants, variant)) fail(`no variant '${variant}'; there are plain, tsan and asan`, 2)
  await takeLock(`${output}/build.lock`)
  return build(variant)
}

async function build(variant) {
  const reason = emulatorUnavailable()
  if (reason !== undefined) fail(reason, missingCode)
  const paths = [...folders, standIn, 'semantics'].map((name) => `${sources}/${name}`)
  const hash = hashOf({ paths: [...paths, 'scripts/build-cuda-emulator.mjs'], facts: [variant] })
  const library = emulatorLibrary(variant)
  const stamp = `${output}/${variant}.stamp`
  if (existsSync(library) && readStamp(stamp) === hash) return library
  say(`building the CUDA emulator (${variant})`)
  const compiler = available('ccache') ? ['ccache', 'g++'] : ['g++']
  const headers = paths.flatMap(filesBelow).filter((file) => file.endsWith('.h'))
  const version = hashOf({ paths: [`${sources}/semantics`, `${sources}/translator`] })
  const text = (name, value) => `-D${name}="${value}"`
  const flags = ['-std=c++20', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror', `-I${sources}`]
  const compileFlags = [
    text('EMULATOR_SEMANTICS', join(root, sources, 'semantics')),
    text('EMULATOR_VERSION', version),
    text('EMULATOR_COMPILER', 'g++'),
    text('EMULATOR_CACHE', join(root, output, 'kernels')),
  ]
  const sourcesOf = (folder) => filesBelow(`${sources}/${folder}`).filter((file) => file.endsWith('.cpp'))
  const files = folders.flatMap(sourcesOf)
  // Variants are for programs that call the driver alone.
  const standInFiles = variant === 'plain' ? sourcesOf(standIn) : []
  const flagsOf = (file) => {
    if (file.startsWith(`${sources}/${standIn}/`)) return ['-O2']
    if (file.startsWith(`${sources}/scheduler/`)) return ['-O2', ...variants[variant]]
    return file === `${sources}/driver/compile.cpp` ? ['-O1', ...compileFlags] : ['-O1']
  }
  // The name says what the object was made of, so that the variants share those they have in common.
  const objectOf = (file) => {
    const made = hashOf({ paths: [file, ...headers], facts: [...flags, ...flagsOf(file)] }).slice(0, 16)
    return `${output}/objects/${file.slice(sources.length + 1).replaceAll('/', '-')}-${made}.o`
  }
  mkdirSync(join(root, output, 'objects'), { recursive: true })
  const missing = [...files, ...standInFiles].filter((file) => !existsSync(join(root, objectOf(file))))
  await eachAtOnce(missing, async (file) => {
    const [command, ...first] = compiler
    // An object that an interrupted build left half written must not be taken for a whole one.
    const half = `${objectOf(file)}.half`
    const made = [...flags, ...flagsOf(file), '-c', file, '-o', half]
    const { code, output } = await capture(command, [...first, ...made])
    if (code !== 0) fail(`${file} does not compile\n${output}`)
    renameSync(join(root, half), join(root, objectOf(file)))
  })
  // The sanitizers' own functions come with the program that loads the library.
  const closed = variant === 'plain' ? ['-Wl,-z,defs'] : []
  run('g++', ['-shared', ...closed, '-o', library, ...files.map(objectOf)])
  if (standInFiles.length > 0) linkStandIn(standInFiles.map(objectOf), library)
  writeStamp(stamp, hash)
  return library
}

/** It computes where the emulator's memory is, and when the emulator says. */
function linkStandIn(objects, library) {
  const folder = dirname(library)
  const driver = [`-L${folder}`, `-l:${basename(library)}`, `-Wl,-rpath,${folder}`]
  const target = join(folder, 'libcublaslt-emulated.so')
  run('g++', ['-shared', '-Wl,-z,defs', '-o', target, ...objects, ...driver])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(await buildCudaEmulator(process.argv[2]))
}
