// clang-format and clang-tidy in pinned versions from PyPI, in a virtual environment of the checkout's own (.tools/), and SIMDe's headers.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { available, fail, root, run, say } from './run.mjs'
import { readStamp, writeStamp } from './stamp.mjs'

const versions = { 'clang-format': '23.1.5', 'clang-tidy': '23.1.4', 'simde-py': '0.8.2.post1' }

/** Installs a package from PyPI unless `result` is there already, in that version. */
function install(name, result, options = []) {
  const wanted = `${name}==${versions[name]}`
  const stamp = `.tools/${name}.stamp`
  if (existsSync(result) && readStamp(stamp) === wanted) return
  const python = ['python3', 'python'].find(available)
  if (python === undefined) fail(`${name} comes from PyPI and no Python was found: install Python 3`)
  say(`installing ${wanted}`)
  if (!existsSync(join(root, '.tools/bin/pip'))) run(python, ['-m', 'venv', '.tools'])
  run('.tools/bin/pip', ['install', '--quiet', '--disable-pip-version-check', ...options, wanted])
  writeStamp(stamp, wanted)
}

/** The absolute path of one of the tools, installed when missing. */
export function nativeTool(name) {
  const tool = join(root, '.tools/bin', name)
  install(name, tool)
  return tool
}

/** The absolute path of the folder that holds simde/, installed when missing: x86 intrinsics for processors that lack them. */
export function simdeHeaders() {
  const headers = join(root, '.tools/simde/simde_py/simde')
  install('simde-py', headers, ['--upgrade', '--target', '.tools/simde'])
  return headers
}
