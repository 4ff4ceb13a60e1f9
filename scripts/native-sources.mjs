// Prints the C++ sources for binding.gyp: `kernels` are those built once per instruction set, `core` is everything else.
import { filesBelow } from './files-below.mjs'

const wantsKernels = process.argv[2] === 'kernels'

for (const file of filesBelow('native')) {
  if (file.endsWith('.cpp') && file.startsWith('native/kernels/cpu/') === wantsKernels) console.log(file)
}
