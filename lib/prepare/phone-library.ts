import { createRequire } from 'node:module'
import type * as PhoneLibrary from 'libphonenumber-js/max'

const require = createRequire(import.meta.url)

/** libphonenumber with its tables of all countries, loaded by the first call: most runs look for no phone numbers. */
export function phoneLibrary(): typeof PhoneLibrary {
  return require('libphonenumber-js/max') as typeof PhoneLibrary
}
