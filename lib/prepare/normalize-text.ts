import { z } from 'zod'
import type { OptionTable } from '../options.js'

export interface NormalizeOptions {
  /** Whether texts that differ in case only are the same. Default: true. */
  readonly ignoreCase?: boolean | undefined
  /** Whether texts that differ in white space only are the same. Default: true. */
  readonly ignoreSpace?: boolean | undefined
}

export const normalizeOptions = {
  ignoreCase: { type: z.boolean(), description: 'Texts that differ in case only are the same', default: true },
  ignoreSpace: { type: z.boolean(), description: 'Texts that differ in white space only are the same', default: true },
} satisfies OptionTable

/** The form in which texts are compared: composed letters (NFC), and without the differences that do not count. */
export function normalizeText(text: string, { ignoreCase = true, ignoreSpace = true }: NormalizeOptions = {}): string {
  let result = text.normalize('NFC')
  if (ignoreCase) result = result.toLowerCase()
  return ignoreSpace ? result.replace(/\s+/g, ' ').trim() : result
}
