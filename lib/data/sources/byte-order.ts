import { AttuneError } from '../../errors.js'
import type { ByteBlocks } from './byte-blocks.js'

/** What begins some texts in UTF-8. */
export const byteOrderMark = '\uFEFF'

/**
 * The same text in UTF-8. A byte order mark of UTF-8 stays where it is.
 * @throws AttuneError 'invalid-dataset' where the text is UTF-16 and the encoding does not say so, 'invalid-option'
 */
export async function* asUtf8(
  blocks: ByteBlocks,
  head: Buffer,
  file: string,
  encoding = 'utf-8',
): AsyncGenerator<Buffer, void, void> {
  if (/^utf-?8$/i.test(encoding)) {
    const wide =
      head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : ''
    if (wide !== '') {
      const what = `${file}:1: the file is UTF-16; save it as UTF-8, or set options.encoding to '${wide}'`
      throw new AttuneError('invalid-dataset', what, { where: `${file}:1` })
    }
    yield* blocks
    return
  }
  const decoder = decoderOf(encoding)
  let offset = 0
  try {
    for await (const block of blocks) {
      const text = decoder.decode(block, { stream: true })
      offset += block.length
      if (text !== '') yield Buffer.from(text)
    }
    const rest = decoder.decode()
    if (rest !== '') yield Buffer.from(rest)
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const what = `${file}: not valid ${encoding} after byte ${offset.toLocaleString('en-US')}`
    throw new AttuneError('invalid-dataset', what, { where: file, cause })
  }
}

/** Of every second byte being zero, as in English text in UTF-16. */
export function hasUtf16Zeros(text: string): boolean {
  return /^.?\0.\0|^\0./s.test(text)
}

function decoderOf(encoding: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch (cause) {
    throw new AttuneError('invalid-option', `options.encoding: there is no encoding '${encoding}'`, {
      where: 'options.encoding',
      cause,
    })
  }
}
