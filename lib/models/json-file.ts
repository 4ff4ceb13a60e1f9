import { readFile } from 'node:fs/promises'
import { AttuneError } from '../errors.js'

/** A file that holds a JSON object. @throws AttuneError `file-not-found`, `invalid-json` */
export async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new AttuneError('file-not-found', `Cannot read ${path}: ${(cause as Error).message}`, { where: path, cause })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AttuneError('invalid-json', `${path} is not JSON: ${(cause as Error).message}`, { where: path, cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AttuneError('invalid-json', `Expected a JSON object in ${path}.`, { where: path })
  }
  return value as Record<string, unknown>
}
