// Brings a checkout to the point where everything runs: packages, native addon, dist/. Quick when nothing changed.
// `prepare.mjs <step> …` takes single steps; `native` is what npm runs for those who install attune.
// Only Node's own modules here: in a fresh clone there are no others yet.
import { buildNative } from './build-native.mjs'
import { buildBench, buildTypeScript } from './build-typescript.mjs'
import { installPackages } from './install-packages.mjs'
import { fail } from './run.mjs'

const steps = { packages: installPackages, native: buildNative, typescript: buildTypeScript, bench: buildBench }

if (Number(process.versions.node.split('.')[0]) < 20) fail(`Node 20 or newer is needed, this is ${process.version}`)
const chosen = process.argv.length > 2 ? process.argv.slice(2) : ['packages', 'native', 'typescript']
for (const name of chosen) {
  if (!Object.hasOwn(steps, name)) fail(`no step '${name}'; the steps are ${Object.keys(steps).join(', ')}`, 2)
  steps[name]()
}
