// clang-format over native/, scripts/ and the CUDA emulator: rewrites the files, or with --check only says which ones differ.
import { filesBelow } from './files-below.mjs'
import { nativeTool } from './native-tools.mjs'
import { run } from './run.mjs'

const mode = process.argv.includes('--check') ? ['--dry-run', '-Werror'] : ['-i']
const files = ['native', 'scripts', 'test/cuda-emulator']
  .flatMap(filesBelow)
  .filter((file) => /\.(cpp|h|cuh?)$/.test(file))
if (files.length > 0) run(nativeTool('clang-format'), [...mode, ...files])
