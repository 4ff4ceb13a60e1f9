/** A session of each device for the tests of a file, opened when it is first asked for. */
import { afterAll } from 'vitest'
import type { NativeSession } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'

const opened = new Map<string, NativeSession>()
afterAll(() => {
  for (const each of opened.values()) each.dispose()
})

export function sessionOn(device: 'cpu' | 'cuda'): NativeSession {
  const session = opened.get(device) ?? openSession({ device, threads: 1, instructionSet: '' })
  opened.set(device, session)
  return session
}
