// Prints the C++ sources for binding.gyp: `kernels` are those built once per instruction set, `backend` asks the processor, `core` is
// everything else.
import { filesBelow } from './files-below.mjs'

const folders = { kernels: 'native/kernels/cpu/', backend: 'native/backend/' }

const partOf = (file) => Object.keys(folders).find((name) => file.startsWith(folders[name])) ?? 'core'

for (const file of filesBelow('native')) {
  if (file.endsWith('.cpp') && partOf(file) === process.argv[2]) console.log(file)
}
