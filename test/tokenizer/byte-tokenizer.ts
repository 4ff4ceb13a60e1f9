import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { byteLevelAlphabet } from 'tokenizers'

export interface ByteTokenizerOptions {
  /** Whether <s> is put before each text. Default: false. */
  addBos?: boolean
  /** Whether </s> is put after each text. Default: false. */
  addEos?: boolean
  chatTemplate?: string
  /** Fields that replace those of tokenizer_config.json. */
  config?: Record<string, unknown>
}

export const byteTokenizerSpecials = ['<s>', '</s>', '<pad>', '<|im_start|>', '<|im_end|>'] as const

/**
 * Writes a tokenizer of 256 bytes and five special tokens (ids 256 to 260) into a new folder: small, and every id can
 * be told in the head. The caller removes the folder with `removeFolder`.
 */
export async function writeByteTokenizer(options: ByteTokenizerOptions = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'attune-tokenizer-'))
  const single = [
    ...(options.addBos === true ? [{ SpecialToken: { id: '<s>', type_id: 0 } }] : []),
    { Sequence: { id: 'A', type_id: 0 } },
    ...(options.addEos === true ? [{ SpecialToken: { id: '</s>', type_id: 0 } }] : []),
  ]
  const special = (id: string): Record<string, unknown> => ({ id, ids: [tokenId(id)], tokens: [id] })
  const tokenizer = {
    version: '1.0',
    truncation: { direction: 'Right', max_length: 3, strategy: 'LongestFirst', stride: 0 },
    padding: null,
    added_tokens: byteTokenizerSpecials.map((content) => ({
      id: tokenId(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<s>': special('<s>'), '</s>': special('</s>') },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: { type: 'BPE', vocab: Object.fromEntries(byteSymbols().map((symbol, byte) => [symbol, byte])), merges: [] },
  }
  const config = {
    bos_token: '<s>',
    eos_token: { content: '</s>', lstrip: false, special: true },
    pad_token: '<pad>',
    unk_token: null,
    model_max_length: 1e30,
    ...(options.chatTemplate === undefined ? {} : { chat_template: options.chatTemplate }),
    ...options.config,
  }
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  return folder
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

function tokenId(content: string): number {
  return 256 + byteTokenizerSpecials.findIndex((token) => token === content)
}

/** The byte-level alphabet by byte: printable Latin-1 stands for itself, the other bytes for U+0100 and on. */
function byteSymbols(): string[] {
  let next = 0x100
  const symbols = Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    return String.fromCodePoint(printable ? byte : next++)
  })
  const known = new Set(byteLevelAlphabet())
  if (symbols.some((symbol) => !known.has(symbol))) throw new Error('not the byte-level alphabet')
  return symbols
}
