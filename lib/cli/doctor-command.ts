import type { Command } from 'commander'
import { arch, freemem, platform, release, totalmem } from 'node:os'
import { AttuneError } from '../errors.js'
import { native, type NativeProcessor } from '../native.js'
import { cublasLtVariable, findGpu, forcedInstructionSet, isaVariable, openSession, type FoundGpu } from '../session.js'
import { bytes } from './amounts.js'
import type { CommandContext } from './command-context.js'
import { table } from './table.js'
import { wrap } from './wrap.js'

export interface Diagnosis {
  readonly type: 'doctor'
  readonly healthy: boolean
  readonly node: string
  readonly platform: string
  readonly memory: { readonly total: number; readonly free: number }
  readonly processor: NativeProcessor | undefined
  /** Instruction set of sessions whose caller names none. */
  readonly kernels: string | undefined
  /** What ATTUNE_ISA says, where it is set. */
  readonly forcedInstructionSet: string | undefined
  readonly threads: number | undefined
  /** The GPU of device 'cuda', or what is missing for it: most machines do well without. */
  readonly gpu: FoundGpu | undefined
  readonly ops: number | undefined
  /** What is wrong, and how to mend it. */
  readonly problems: readonly { readonly problem: string; readonly remedy: string }[]
}

const leastNode = 20

export function addDoctorCommand(program: Command, context: () => CommandContext): void {
  program
    .command('doctor')
    .description('say what this machine has, and what is missing')
    .action(() => {
      const { terminal, json } = context()
      const diagnosis = diagnose()
      terminal.out(json ? `${JSON.stringify(diagnosis)}\n` : describe(diagnosis))
      if (!diagnosis.healthy) throw new AttuneError('missing-addon', 'attune cannot run here as things are: see above')
    })
}

export function diagnose(): Diagnosis {
  const problems: { problem: string; remedy: string }[] = []
  const [major = '0'] = process.versions.node.split('.')
  if (Number(major) < leastNode) {
    problems.push({ problem: `Node ${process.versions.node} is too old`, remedy: `install Node ${leastNode} or later` })
  }
  let processor: NativeProcessor | undefined
  let threads: number | undefined
  let kernels: string | undefined
  let ops: number | undefined
  let gpu: Diagnosis['gpu']
  try {
    const addon = native()
    processor = addon.processor()
    ops = addon.ops().length
    gpu = findGpu()
    const session = openSession({ threads: 0, instructionSet: '' })
    threads = session.threads
    kernels = session.hardware
    session.dispose()
  } catch (error) {
    problems.push({ problem: (error as Error).message, remedy: remedyOf(error) })
  }
  return {
    type: 'doctor',
    healthy: problems.length === 0,
    node: process.versions.node,
    platform: `${platform()} ${release()} ${arch()}`,
    memory: { total: totalmem(), free: freemem() },
    processor,
    kernels,
    forcedInstructionSet: forcedInstructionSet(),
    threads,
    gpu,
    ops,
    problems,
  }
}

function remedyOf(error: unknown): string {
  const { code, where } = error instanceof AttuneError ? error : { code: undefined, where: undefined }
  if (where === isaVariable) return `unset ${isaVariable}, or set it to an instruction set that there is`
  return code === 'missing-addon'
    ? 'run `npm run build` (it needs a C++20 compiler, make and Python 3)'
    : 'run `npm run build` again: the addon was built for another Node or machine'
}

function kernelsOf({ kernels, forcedInstructionSet: forced }: Diagnosis, { instructionSets }: NativeProcessor): string {
  const by = forced === undefined ? '' : ` by ${isaVariable}=${forced}`
  return `${kernels ?? 'none'}${by} (built: ${instructionSets.join(', ')})`
}

/** What there would be to gain; undefined where all is there. */
function adviceOn(gpu: FoundGpu): string | undefined {
  if ('missing' in gpu) return gpu.missing
  if (gpu.products !== 'attune' || process.env[cublasLtVariable] === 'off') return undefined
  return (
    `bfloat16 matrix products are computed by attune's own kernels. NVIDIA's cuBLASLt computes them where it is installed ` +
    `(with the CUDA toolkit, or \`pip install nvidia-cublas\`) and ${cublasLtVariable} names the file libcublasLt.so.13, or the system ` +
    `finds it by that name.`
  )
}

function describe(diagnosis: Diagnosis): string {
  const { processor } = diagnosis
  const rows = [
    ['node', diagnosis.node],
    ['system', diagnosis.platform],
    ['memory', `${bytes(diagnosis.memory.total)}, ${bytes(diagnosis.memory.free)} free`],
    ['addon', processor === undefined ? 'missing' : `loaded, ${diagnosis.ops} ops`],
  ]
  if (processor !== undefined) {
    rows.push(
      ['processor', `${processor.model}, ${processor.cores} cores`],
      ['features', processor.features.join(' ')],
      ['kernels', kernelsOf(diagnosis, processor)],
      ['threads', diagnosis.threads === undefined ? 'none' : String(diagnosis.threads)],
    )
  }
  const { gpu } = diagnosis
  if (gpu !== undefined) rows.push(['gpu', 'name' in gpu ? gpu.name : 'none'])
  if (gpu !== undefined && 'name' in gpu) rows.push(['products', gpu.products])
  const advice = gpu === undefined ? undefined : adviceOn(gpu)
  const missing = advice === undefined ? '' : `\n${wrap(advice, { indent: 2 })}\n`
  const problems = diagnosis.problems.map(({ problem, remedy }) => `\nproblem: ${problem}\n  remedy: ${remedy}\n`)
  return `${table(rows)}${missing}${problems.join('')}${diagnosis.healthy ? '\nall is well\n' : ''}`
}
