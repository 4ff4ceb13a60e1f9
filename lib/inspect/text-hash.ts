import { createHash } from 'node:crypto'

/** A number that equal texts share and, of ten million different ones, hardly any two: 53 bits, as many as a number holds. */
export function textHash(text: string): number {
  const digest = createHash('sha1').update(text).digest()
  return digest.readUIntBE(0, 6) * 32 + (digest.readUInt8(6) & 31)
}
