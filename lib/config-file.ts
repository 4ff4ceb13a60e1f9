import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { AttuneError } from './errors.js'
import { namesTheHub, parseRepository } from './hub/repository.js'
import { pathToFileURL } from 'node:url'

/**
 * The options in a file: JSON, or a module whose default export they are (TypeScript where Node runs it).
 * @throws AttuneError 'file-not-found', 'invalid-json', 'invalid-file'
 */
export async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const value = path.endsWith('.json') ? await readJson(path) : await importDefault(path)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AttuneError('invalid-file', `${path}: expected an object with options`, { where: path })
  }
  return value as Record<string, unknown>
}

/** Paths in a config file count from the file's own directory. */
export function fromConfig(config: string | undefined, path: string): string {
  return config === undefined || path === '-' || isAbsolute(path) ? path : join(dirname(config), path)
}

/** The same of a model or an adapter: where there is nothing, an id of the Hub stays one. */
export function modelFromConfig(config: string | undefined, source: string): string {
  const path = fromConfig(config, source)
  return namesTheHub(source) || (!existsSync(path) && parseRepository(source, 'model') !== undefined) ? source : path
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AttuneError('file-not-found', `cannot read ${path}`, { where: path, cause })
  })
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AttuneError('invalid-json', `${path} is no JSON: ${(cause as Error).message}`, { where: path, cause })
  }
}

async function importDefault(path: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }
    return module.default
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_MODULE_NOT_FOUND')
      throw new AttuneError('file-not-found', `cannot read ${path}`, { where: path, cause })
    const advice =
      code === 'ERR_UNKNOWN_FILE_EXTENSION' ? '; this version of Node does not run TypeScript: write JSON or .mjs' : ''
    throw new AttuneError('invalid-file', `cannot load ${path}: ${message}${advice}`, { where: path, cause })
  }
}
