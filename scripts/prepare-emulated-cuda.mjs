// All that tests on the emulated GPU want: the kernels' PTX, the emulator, and every module translated, so that no test waits for that.
// Prints the path of the emulated driver last.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { buildCuda, fatBinaries } from './build-cuda.mjs'
import { buildCudaEmulator, emulatorUnavailable } from './build-cuda-emulator.mjs'
import { capture, fail, missingCode, root, run, say } from './run.mjs'
import { readStamp, writeStamp } from './stamp.mjs'

const output = 'build/cuda-emulator'
const reason = emulatorUnavailable() ?? (await buildCuda('ptx'))
if (reason !== undefined) fail(reason, missingCode)
const library = await buildCudaEmulator()
const modules = fatBinaries().map(({ path }) => path)
const hash = createHash('sha256')
for (const file of [library, ...modules]) hash.update(readFileSync(file))
const wanted = hash.digest('hex')
const stamp = `${output}/modules.stamp`
if (readStamp(stamp) !== wanted) {
  say('translating the CUDA kernels for the emulator')
  const program = join(root, output, 'load_modules')
  const source = 'test/cuda-emulator/programs/load_modules.cpp'
  run('g++', [
    '-std=c++20',
    '-O1',
    '-Itest/cuda-emulator',
    source,
    library,
    `-Wl,-rpath,${join(root, output)}`,
    '-o',
    program,
  ])
  async function worker() {
    for (let module = modules.shift(); module !== undefined; module = modules.shift()) {
      const { code, output: text } = await capture(program, [module])
      if (code !== 0) fail(`${module} cannot be loaded on the emulator\n${text}`)
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker))
  writeStamp(stamp, wanted)
}
console.log(library)
