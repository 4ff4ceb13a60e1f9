import { fileURLToPath } from 'node:url'

/** Of this checkout: two folders above this file, as of what it is compiled to. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url))
