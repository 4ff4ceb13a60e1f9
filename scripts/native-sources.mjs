// Prints the C++ sources for binding.gyp: `kernels` are those built once per instruction set, `products` what of them multiplies matrices,
// `backend` asks the processor, `core` is everything else.
import { filesBelow } from './files-below.mjs'

const [wanted] = process.argv.slice(2)
const folders = { kernels: 'native/kernels/cpu/', backend: 'native/backend/' }
const products = /^native\/kernels\/cpu\/(gemm\/.*|products|linear|linear_cross_entropy|cross_entropy_row)\.cpp$/

const partOf = (file) => Object.keys(folders).find((name) => file.startsWith(folders[name])) ?? 'core'
const isWanted = (file) => (wanted === 'products' ? products.test(file) : partOf(file) === wanted)

for (const file of filesBelow('native')) {
  if (file.endsWith('.cpp') && isWanted(file)) console.log(file)
}
