/** Opens sessions of the core: the one place where the device and the instruction set of kernels are chosen. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AttuneError } from './errors.js'
import { native, type NativeSession, type NativeSessionOptions } from './native.js'
import { suggestion } from './nearest.js'

/** Environment variable that names the instruction set of all sessions whose caller names none. */
export const isaVariable = 'ATTUNE_ISA'

/** Environment variable that says what device 'auto' is: 'cpu' or 'cuda'. */
export const deviceVariable = 'ATTUNE_DEVICE'

/** Environment variable that names the cuBLASLt to compute matrix products with on a GPU, or is 'off'. */
export const cublasLtVariable = 'ATTUNE_CUBLASLT'

/** Environment variable that says whether runs that come again are recorded as CUDA graphs: 'on' or 'off'. */
export const cudaGraphsVariable = 'ATTUNE_CUDA_GRAPHS'

/** Where `npm run build:cuda` puts the kernels. */
const cudaKernels = join(dirname(fileURLToPath(import.meta.url)), '..', 'build', 'cuda')

export type Device = 'auto' | 'cpu' | 'cuda'

export interface SessionOptions {
  /**
   * 'auto': what ATTUNE_DEVICE says, else a GPU where there is one that can be used and no instruction set is asked for, else the
   * processor. @default 'cpu'
   */
  readonly device?: Device
  /** Compiles and counts bytes, and neither allocates nor runs: there need be no such device. @default false */
  readonly planned?: boolean
  /** Threads that compute. 0: one per core. */
  readonly threads: number
  /** '': what ATTUNE_ISA says, else the best the processor has. */
  readonly instructionSet: string
}

/** What ATTUNE_ISA says; undefined where it is not set, or empty. */
export function forcedInstructionSet(): string | undefined {
  const value = process.env[isaVariable]?.trim()
  return value === '' ? undefined : value
}

/** @throws AttuneError 'unsupported-device' saying what a GPU lacks, or which instruction sets there are; 'invalid-option': ATTUNE_CUDA_GRAPHS */
export function openSession({ device = 'cpu', planned = false, ...options }: SessionOptions): NativeSession {
  const { Session } = native()
  const { threads } = options
  const chosen = device === 'auto' ? forcedDevice() : device
  if (chosen === 'cuda') return new Session({ threads, instructionSet: '', ...onGpu(), planned })
  const instructionSet = settledInstructionSet(options.instructionSet)
  if (chosen === undefined && instructionSet === '') {
    try {
      return new Session({ threads, instructionSet, ...onGpu(), planned })
    } catch (error) {
      if (!(error instanceof AttuneError) || error.code !== 'unsupported-device') throw error
    }
  }
  return new Session({ threads, instructionSet, planned })
}

function onGpu(): Pick<NativeSessionOptions, 'cudaKernels' | 'cudaGraphs'> {
  return { cudaKernels, cudaGraphs: wantsCudaGraphs() }
}

/** What ATTUNE_CUDA_GRAPHS says; true where it is not set, or empty. */
function wantsCudaGraphs(): boolean {
  const value = process.env[cudaGraphsVariable]?.trim() ?? ''
  if (value === '' || value === 'on') return true
  if (value === 'off') return false
  const message = `${cudaGraphsVariable}: expected 'on' or 'off', not '${value}'. Set the variable to one of these, or unset it.`
  throw new AttuneError('invalid-option', message, { where: cudaGraphsVariable })
}

/** What ATTUNE_DEVICE says; undefined where it is not set, or empty. */
function forcedDevice(): 'cpu' | 'cuda' | undefined {
  const value = process.env[deviceVariable]?.trim() ?? ''
  if (value === '' || value === 'auto') return undefined
  if (value === 'cpu' || value === 'cuda') return value
  const message = `${deviceVariable}: there is no device '${value}'. Set the variable to 'cpu' or 'cuda', or unset it.`
  throw new AttuneError('unsupported-device', message, { where: deviceVariable })
}

/** A GPU, and whose matrix products sessions on it compute with. */
export type FoundGpu = { readonly name: string; readonly products: string } | { readonly missing: string }

/** The GPU that sessions of device 'cuda' compute on, or what is missing for it. */
export function findGpu(): FoundGpu {
  try {
    const session = openSession({ device: 'cuda', threads: 1, instructionSet: '' })
    const { hardware: name, products } = session
    session.dispose()
    return { name, products }
  } catch (error) {
    if (error instanceof AttuneError) return { missing: error.message }
    throw error
  }
}

function settledInstructionSet(asked: string): string {
  if (asked !== '') return asked
  const forced = forcedInstructionSet()
  if (forced !== undefined) requireKnown(forced)
  return forced ?? ''
}

function requireKnown(name: string): void {
  const { instructionSets } = native().processor()
  if (instructionSets.includes(name)) return
  const message =
    `${isaVariable}: this processor and build have no instruction set '${name}'; they have ` +
    `${instructionSets.join(', ')}.${suggestion(name, instructionSets)} Set the variable to one of these, or unset it.`
  throw new AttuneError('unsupported-device', message, { where: isaVariable })
}
