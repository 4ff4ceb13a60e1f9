import { writeFile } from 'node:fs/promises'
import { AttuneError } from '../errors.js'

/** @param what what the file is, for the message. @throws AttuneError 'file-write-failed' */
export async function writeResult(path: string, what: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (cause) {
    throw new AttuneError('file-write-failed', `cannot write ${what} to ${path}: ${String(cause)}`, {
      where: path,
      cause,
    })
  }
}
