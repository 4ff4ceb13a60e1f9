import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const letterSpecials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const

const letters = Array.from('abcdefghijklmnopqrstuvwxyz.,?', String)

/** Ids of the first letter of a word: 5 for a; of a letter inside: 34 for ##a. */
export const letterId = (letter: string, inside = false): number => {
  const at = letters.indexOf(letter)
  if (at < 0) throw new Error(`no letter ${letter}`)
  return letterSpecials.length + at + (inside ? letters.length : 0)
}

/** The ids of words, without special tokens. */
export const wordIdsOf = (...words: readonly string[]): number[] =>
  words.flatMap((word) => Array.from(word, (letter, at) => letterId(letter, at > 0)))

/**
 * Writes a tokenizer as BERT's, in which each letter is a piece: [CLS] first, [SEP] after each text. The caller removes the
 * folder.
 */
export async function writeLetterTokenizer(config: Record<string, unknown> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'attune-letters-'))
  const names = [...letterSpecials, ...letters, ...letters.map((letter) => `##${letter}`)]
  const special = (id: string): Record<string, unknown> => ({ SpecialToken: { id, type_id: 0 } })
  const cls = { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }
  const sep = { id: '[SEP]', ids: [3], tokens: ['[SEP]'] }
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: letterSpecials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')],
      pair: [
        special('[CLS]'),
        { Sequence: { id: 'A', type_id: 0 } },
        special('[SEP]'),
        { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: { '[CLS]': cls, '[SEP]': sep },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(names.map((name, id) => [name, id])),
    },
  }
  const tokens = { pad: '[PAD]', unk: '[UNK]', cls: '[CLS]', sep: '[SEP]', mask: '[MASK]' }
  const roles = Object.fromEntries(Object.entries(tokens).map(([role, token]) => [`${role}_token`, token]))
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...roles, ...config }))
  return folder
}
