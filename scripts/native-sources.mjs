// Prints the .cpp files directly inside the given folders of native/, for binding.gyp: a new file needs no entry in a list.
import { readdirSync } from 'node:fs'

for (const folder of process.argv.slice(2)) {
  for (const file of readdirSync(`native/${folder}`).sort()) {
    if (file.endsWith('.cpp')) console.log(`native/${folder}/${file}`)
  }
}
