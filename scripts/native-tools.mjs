// clang-format and clang-tidy in pinned versions from PyPI, in a virtual environment of the checkout's own (.tools/).
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { available, fail, root, run, say } from './run.mjs'
import { readStamp, writeStamp } from './stamp.mjs'

const versions = { 'clang-format': '23.1.5', 'clang-tidy': '23.1.4' }

/** The absolute path of one of the tools, installed when missing. */
export function nativeTool(name) {
  const wanted = `${name}==${versions[name]}`
  const stamp = `.tools/${name}.stamp`
  const tool = join(root, '.tools/bin', name)
  if (existsSync(tool) && readStamp(stamp) === wanted) return tool
  const python = ['python3', 'python'].find(available)
  if (python === undefined) fail(`${name} comes from PyPI and no Python was found: install Python 3`)
  say(`installing ${wanted}`)
  if (!existsSync(join(root, '.tools/bin/pip'))) run(python, ['-m', 'venv', '.tools'])
  run('.tools/bin/pip', ['install', '--quiet', '--disable-pip-version-check', wanted])
  writeStamp(stamp, wanted)
  return tool
}
