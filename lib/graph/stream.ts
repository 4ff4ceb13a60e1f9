/**
 * The random stream of a node: FNV-1a of its path, 32 bits. It depends on nothing else, so adding a node or
 * switching one off moves no other node's random numbers.
 */
export function stream(path: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(path)) {
    hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return hash >>> 0
}
