/** Opens sessions of the core: the one place where the instruction set of kernels is chosen. */
import { AttuneError } from './errors.js'
import { native, type NativeSession } from './native.js'
import { suggestion } from './nearest.js'

/** Environment variable that names the instruction set of all sessions whose caller names none. */
export const isaVariable = 'ATTUNE_ISA'

export interface SessionOptions {
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

/** @throws AttuneError 'unsupported-device' naming the instruction sets that there are */
export function openSession({ threads, instructionSet }: SessionOptions): NativeSession {
  const { Session } = native()
  if (instructionSet !== '') return new Session({ threads, instructionSet })
  const forced = forcedInstructionSet()
  if (forced !== undefined) requireKnown(forced)
  return new Session({ threads, instructionSet: forced ?? '' })
}

function requireKnown(name: string): void {
  const { instructionSets } = native().processor()
  if (instructionSets.includes(name)) return
  const message =
    `${isaVariable}: this processor and build have no instruction set '${name}'; they have ` +
    `${instructionSets.join(', ')}.${suggestion(name, instructionSets)} Set the variable to one of these, or unset it.`
  throw new AttuneError('unsupported-device', message, { where: isaVariable })
}
