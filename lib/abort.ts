/** Work that a signal stops: the option, and the check between two pieces of it. */
import { z } from 'zod'
import { AttuneError } from './errors.js'

export const signalOption = {
  type: z.instanceof(AbortSignal).describe('an AbortSignal'),
  description: 'Stops the work',
  flag: false,
} as const

/** @param message what was stopped. @throws AttuneError 'aborted' */
export function requireNotAborted(signal: AbortSignal | undefined, message: string): void {
  if (signal?.aborted === true) throw new AttuneError('aborted', message, { cause: signal.reason })
}
