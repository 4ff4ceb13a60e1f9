/** The cases of every op, as the files beside this one say them. */
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OpCases } from './op-case.js'

const folder = dirname(fileURLToPath(import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.case.ts'))

export const suites: readonly OpCases[] = await Promise.all(
  files.map(async (name) => ((await import(/* @vite-ignore */ `./${name}`)) as { default: OpCases }).default),
)
