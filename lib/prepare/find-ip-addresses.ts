import { isIPv4, isIPv6 } from 'node:net'
import { endsWithVersionCue } from './cues.js'
import { matches, type Finder } from './personal-data.js'

const fourParts = /(?<![\p{L}\p{N}._/-])\d{1,3}(?:\.\d{1,3}){3}(?![\p{L}\p{N}_-]|\.\d)/gu
const colons =
  /(?<![\p{L}\p{N}:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|\d{1,3}(?:\.\d{1,3}){3})?(?![\p{L}\p{N}:])/giu
const addressCue = /\b(?:ip|ipv4|address|addr|host|server|dns|gateway|ping|router|proxy|localhost|from|client)\W{0,3}$/i

export const findIpAddresses: Finder = (text) => [
  ...matches(text, fourParts, ({ 0: found, index }) => {
    if (!isIPv4(found)) return false
    const before = text.slice(Math.max(0, index - 24), index)
    if (endsWithVersionCue(before)) return false
    // Chapters and versions are numbered 1.2.3.4; addresses rarely have four single digits.
    return /\d\d/.test(found) || addressCue.test(before)
  }),
  // Times have two colons too, code has `a::b`.
  ...matches(text, colons, ({ 0: found }) => isIPv6(found) && found.length >= 6 && /\d/.test(found)),
]
