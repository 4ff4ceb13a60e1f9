// All that tests on the emulated GPU want: the kernels' PTX, the emulator, and every module translated, so that no test waits for that.
// Prints the path of the emulated driver last. `prepare-emulated-cuda.mjs [plain|tsan|asan]`, as of build-cuda-emulator.mjs.
import { join, relative } from 'node:path'
import { buildCuda, fatBinaries } from './build-cuda.mjs'
import { buildCudaEmulator, emulatorUnavailable, sanitizerFlags } from './build-cuda-emulator.mjs'
import { eachAtOnce } from './each-at-once.mjs'
import { capture, fail, missingCode, root, run, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const output = 'build/cuda-emulator'
// In CI all tests run, those of the machine code too: one compilation instead of two.
const reason = emulatorUnavailable() ?? (await buildCuda(process.env.CI ? 'gate' : 'ptx'))
if (reason !== undefined) fail(reason, missingCode)
const variant = process.argv[2] ?? 'plain'
const library = await buildCudaEmulator(variant)
const modules = fatBinaries().map(({ path }) => path)
const wanted = hashOf({ paths: [library, ...modules].map((path) => relative(root, path)) })
const stamp = `${output}/modules-${variant}.stamp`
if (readStamp(stamp) !== wanted) {
  say(`translating the CUDA kernels for the emulator (${variant})`)
  const program = join(root, output, `load_modules-${variant}`)
  const source = 'test/cuda-emulator/programs/load_modules.cpp'
  run('g++', [
    '-std=c++20',
    '-O1',
    ...sanitizerFlags[variant],
    '-Itest/cuda-emulator',
    source,
    library,
    `-Wl,-rpath,${join(root, output)}`,
    '-o',
    program,
  ])
  await eachAtOnce(modules, async (module) => {
    const { code, output: text } = await capture(program, [module])
    if (code !== 0) fail(`${module} cannot be loaded on the emulator\n${text}`)
  })
  writeStamp(stamp, wanted)
}
console.log(library)
