// nvcc in pinned versions from PyPI, in a virtual environment of the checkout's own (.tools/cuda).
// `cuda-tools.mjs` installs it when it is missing and prints the path of nvcc last.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { available, fail, root, say } from './run.mjs'
import { readStamp, writeStamp } from './stamp.mjs'

const folder = '.tools/cuda'
/**
 * nvcc with its front end and optimizer, the runtime's headers, and <nv/target>, which cuda_fp16.h includes; cuobjdump, which shows what
 * became of a kernel, with the disassembler it calls.
 */
export const cudaPackages = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-runtime==13.0.96',
  'nvidia-cuda-cccl==13.0.85',
  'nvidia-cuda-cuobjdump==13.5.37',
  'nvidia-cuda-nvdisasm==13.5.37',
]

function installed() {
  const libraries = join(root, folder, 'lib')
  const python = existsSync(libraries) ? readdirSync(libraries).find((name) => name.startsWith('python3')) : undefined
  if (python === undefined) return undefined
  const bin = join(libraries, python, 'site-packages/nvidia/cu13/bin')
  return existsSync(join(bin, 'nvcc')) ? { nvcc: join(bin, 'nvcc'), bin } : undefined
}

function succeeds(command, args) {
  const { status, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) console.error(stderr?.trim() ?? `cannot run ${command}`)
  return status === 0
}

/** `{ nvcc, bin }`, paths of nvcc and of the folder of all programs, or `{ reason }` where they cannot be had. */
export function cudaTools() {
  const wanted = cudaPackages.join('\n')
  const stamp = `${folder}/packages.stamp`
  const there = installed()
  if (readStamp(stamp) === wanted && there !== undefined) return there
  if (process.platform !== 'linux' || process.arch !== 'x64') return { reason: 'nvcc comes for Linux x86-64' }
  const python = ['python3', 'python'].find(available)
  if (python === undefined) return { reason: 'nvcc comes from PyPI and no Python was found' }
  say('installing nvcc')
  if (!succeeds(python, ['-m', 'venv', folder])) return { reason: 'the virtual environment for nvcc cannot be made' }
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', ...cudaPackages]
  if (!succeeds(join(folder, 'bin/python'), install)) return { reason: 'nvcc cannot be installed from PyPI' }
  writeStamp(stamp, wanted)
  return installed()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { nvcc, reason } = cudaTools()
  if (nvcc === undefined) fail(reason)
  console.log(nvcc)
}
