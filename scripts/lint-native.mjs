// clang-tidy over the C++ sources. A file that passed is not looked at again until it, a header or the rules change.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { eachAtOnce } from './each-at-once.mjs'
import { filesBelow } from './files-below.mjs'
import { nativeTool } from './native-tools.mjs'
import { capture, fail, say } from './run.mjs'
import { hashOf, readStamp, writeStamp } from './stamp.mjs'

const require = createRequire(import.meta.url)
const tidy = nativeTool('clang-tidy')
const folders = ['native', 'scripts', 'test/cuda-emulator']
const headers = folders.flatMap(filesBelow).filter((file) => file.endsWith('.h'))
const headerHash = hashOf({ paths: [...headers, '.clang-tidy', 'scripts/lint-native.mjs'], facts: [process.arch] })

/** Kernels are checked in the portable build: the other sets differ only below simd.h. */
function flags() {
  const node = join(dirname(dirname(process.execPath)), 'include/node')
  return [
    '-std=c++20',
    '-Inative',
    '-Itest/cuda-emulator',
    '-DEMULATOR_SEMANTICS=""',
    '-DEMULATOR_VERSION=""',
    '-DEMULATOR_COMPILER=""',
    '-DEMULATOR_CACHE=""',
    '-DATTUNE_ISA=portable',
    '-DNAPI_VERSION=9',
    '-DNODE_ADDON_API_CPP_EXCEPTIONS',
    `-isystem${require('node-addon-api').include_dir}`,
    ...(existsSync(node) ? [`-isystem${node}`] : []),
    ...(process.arch === 'x64' ? ['-DATTUNE_X64'] : []),
  ]
}

async function lint(file) {
  const stamp = `.tools/tidy/${file}.stamp`
  const hash = hashOf({ paths: [file], facts: [headerHash] })
  if (readStamp(stamp) === hash) return true
  const { code, output } = await capture(tidy, ['--quiet', file, '--', ...flags()])
  if (code === 0) writeStamp(stamp, hash)
  else console.error(output.trim())
  return code === 0
}

const files = folders.flatMap(filesBelow).filter((file) => file.endsWith('.cpp'))
let failed = 0
await eachAtOnce(files, async (file) => {
  if (!(await lint(file))) failed += 1
})
if (failed > 0) fail(`clang-tidy: ${failed} of ${files.length} files have findings`)
say(`clang-tidy: ${files.length} files, no findings`)
