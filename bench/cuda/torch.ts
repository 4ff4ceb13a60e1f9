/** PyTorch on the same card: scripts of bench/peers, where a Python has it. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { repositoryRoot } from './repository-root.js'
import { isAbsent, type Absent } from './absent.js'
import type { PythonVersions } from './result.js'
import { casesPath, type StepCase } from './step-cases.js'

export interface Torch extends PythonVersions {
  /** The interpreter. */
  readonly path: string
}

const question = `
import json, platform, torch, transformers, peft
cuda = torch.cuda.is_available()
print(json.dumps(dict(python=platform.python_version(), torch=torch.__version__, cuda=torch.version.cuda or '',
                      device=torch.cuda.get_device_name() if cuda else '')))
`

/** @param given an interpreter; the checkout's own virtual environment and python3 otherwise */
export function findTorch(given: string | undefined): Torch | Absent {
  const candidates = given === undefined ? [join(repositoryRoot, '.tools/peers/bin/python'), 'python3'] : [given]
  const reasons: string[] = []
  for (const path of candidates) {
    const { status, stdout, stderr } = spawnSync(path, ['-c', question], { encoding: 'utf8' })
    const versions = status === 0 ? (JSON.parse(stdout) as PythonVersions) : undefined
    if (versions !== undefined && versions.device !== '') return { ...versions, path }
    const said = stderr?.trim().split('\n').at(-1) ?? ''
    reasons.push(
      versions === undefined ? `${path}: ${said || 'not found'}` : `${path}: PyTorch ${versions.torch} sees no GPU`,
    )
  }
  return { missing: `no Python with PyTorch, transformers, PEFT and CUDA (${reasons.join('; ')})` }
}

/** Frozen weights in bfloat16, as attune holds them; what is trained in float32 under autocast. All with SDPA and fused AdamW. */
export function variantsOf({ adapter }: StepCase): string[] {
  const weights = adapter === undefined ? 'autocast' : 'autocast+bf16'
  return [`${weights}+fused`, `${weights}+fused+compile`]
}

export interface TorchRequest {
  readonly name: string
  readonly variant: string
  readonly rows: number
  readonly steps: number
}

export type TorchRun = { readonly seconds: readonly number[]; readonly peakBytes: number } | Absent

export function runTorch(torch: Torch, { name, variant, rows, steps }: TorchRequest): TorchRun {
  const settings = { case: name, variant, batch: rows, steps, warmup: 3, device: 'cuda', cases: casesPath }
  const run = runPeer<{ seconds: number[]; peakDeviceBytes: number }>(torch, 'torch_step.py', settings)
  return isAbsent(run) ? run : { seconds: run.seconds, peakBytes: run.peakDeviceBytes }
}

/** What a script of bench/peers found out. */
export function runPeer<Found extends object>(
  { path }: Torch,
  script: string,
  settings: Readonly<Record<string, string | number>>,
): Found | Absent {
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)])
  const program = join(repositoryRoot, 'bench/peers', script)
  const { status, stdout, stderr } = spawnSync(path, [program, ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  return parsePeer<Found>(status, stdout, stderr)
}

/** The script's last line, or what it died of. */
export function parsePeer<Found extends object>(status: number | null, stdout: string, stderr: string): Found | Absent {
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (status === 0 && line.startsWith('{')) return JSON.parse(line) as Found
  const said = stderr.trim().split('\n').at(-1) ?? ''
  return { missing: said === '' ? `PyTorch ended with ${status ?? 'a signal'}` : said }
}
