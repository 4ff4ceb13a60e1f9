import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { AttuneError } from '../errors.js'

/** The files that belong to a tokenizer and are copied beside a saved model, where they are there. */
export const tokenizerFiles = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'vocab.json',
  'merges.txt',
  'vocab.txt',
  'tokenizer.model',
  'spiece.model',
  'sentencepiece.bpe.model',
] as const

/** A file's text, or undefined where there is none. Throws 'invalid-tokenizer' where it cannot be read. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause) && cause.code === 'ENOENT') return undefined
    throw new AttuneError('invalid-tokenizer', `cannot read ${path}: ${reasonOf(cause)}`, { where: path, cause })
  }
}

/** A JSON object from a file, or undefined where there is no file. Throws 'invalid-tokenizer' naming the file. */
export async function readJsonObjectIfThere(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readTextIfThere(path)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new AttuneError('invalid-tokenizer', `${path} is not valid JSON: ${reasonOf(cause)}`, { where: path, cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AttuneError('invalid-tokenizer', `${path} should hold a JSON object`, { where: path })
  }
  return value as Readonly<Record<string, unknown>>
}

const templateFile = 'chat_template.jinja'

/**
 * Copies a tokenizer's files into a directory (made if need be) and returns the names of what was written. `chatTemplate`
 * takes the place of the template in the files.
 * @throws AttuneError 'file-write-failed'
 */
export async function copyTokenizerFiles(from: string, to: string, chatTemplate?: string): Promise<readonly string[]> {
  const copied: string[] = []
  try {
    await mkdir(to, { recursive: true })
    for (const name of tokenizerFiles) {
      if (!(await isFile(join(from, name)))) continue
      // Read beside the chosen one by programs that do not know that it goes before.
      if (chatTemplate !== undefined && (name === templateFile || name === 'chat_template.json')) continue
      if (resolve(from) !== resolve(to)) await copyFile(join(from, name), join(to, name))
      copied.push(name)
    }
    if (chatTemplate !== undefined) {
      await writeFile(join(to, templateFile), chatTemplate)
      copied.push(templateFile)
    }
  } catch (cause) {
    throw new AttuneError('file-write-failed', `cannot copy the tokenizer to ${to}: ${reasonOf(cause)}`, {
      where: to,
      cause,
    })
  }
  return copied
}

/** @throws AttuneError 'file-write-failed' */
export async function writeTokenizerFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (cause) {
    throw new AttuneError('file-write-failed', `cannot write ${path}: ${reasonOf(cause)}`, { where: path, cause })
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
