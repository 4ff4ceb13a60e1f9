/** Writes the tables of docs/performance-cuda.md anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performanceTables, withTables } from './performance-tables.js'
import { repositoryRoot } from './repository-root.js'

const path = join(repositoryRoot, 'docs/performance-cuda.md')
writeFileSync(path, withTables(readFileSync(path, 'utf8'), performanceTables()))
