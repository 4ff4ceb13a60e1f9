import { extname } from 'node:path'

import { withoutCompression } from './decompress.js'
import type { SourceFormat } from './source-options.js'

const formatOfExtension: Readonly<Record<string, SourceFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.parquet': 'parquet',
  '.txt': 'text',
  '.text': 'text',
  '.md': 'text',
  '.tar': 'tar',
}

/** What the name of a file says about what is in it. */
export function formatOfName(path: string): SourceFormat | undefined {
  return formatOfExtension[extname(withoutCompression(path)).toLowerCase()]
}

/** What the first bytes of a file say. */
export function formatOfHead(head: Buffer): 'parquet' | 'tar' | 'json' | 'empty' | undefined {
  if (head.toString('latin1', 0, 4) === 'PAR1') return 'parquet'
  if (head.toString('latin1', 257, 262) === 'ustar') return 'tar'
  const first = head.toString('latin1').replace(/^(\xef\xbb\xbf)?\s*/, '')[0]
  if (first === undefined) return 'empty'
  return first === '[' || first === '{' ? 'json' : undefined
}
