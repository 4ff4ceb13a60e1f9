/** What a file's contents are checked against. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { ListedFile } from './listing.js'

/** sha256 of large files; of small ones git's hash, which has their size before the contents. */
export function contentHash({ sha256, size, blobId }: ListedFile): Hash {
  if (sha256 !== undefined) return createHash('sha256')
  return createHash(blobId.length === 64 ? 'sha256' : 'sha1').update(`blob ${size}\0`)
}

export async function addFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
}
