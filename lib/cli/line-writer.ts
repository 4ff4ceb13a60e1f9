import { open } from 'node:fs/promises'
import { AttuneError } from '../errors.js'
import type { Terminal } from './terminal.js'

/** Where results go, text by text: a file, or the terminal. */
export interface LineWriter extends AsyncDisposable {
  readonly write: (text: string) => Promise<void>
}

/** @throws AttuneError 'file-write-failed' */
export async function lineWriter(path: string | undefined, terminal: Terminal): Promise<LineWriter> {
  if (path === undefined) {
    return {
      write(text) {
        terminal.out(text)
        return Promise.resolve()
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }
  const failed = (cause: unknown): AttuneError =>
    new AttuneError('file-write-failed', `cannot write ${path}: ${String(cause)}`, { where: path, cause })
  const file = await open(path, 'w').catch((cause: unknown) => {
    throw failed(cause)
  })
  return {
    async write(text) {
      try {
        await file.write(text)
      } catch (cause) {
        throw failed(cause)
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  }
}
