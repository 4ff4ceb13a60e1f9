#!/usr/bin/env node
// Step 2: .cache/train.txt -> a byte-level BPE tokenizer and the configuration files of the model directory.
//
//   node examples/pretrain/train-tokenizer.mjs [--cache examples/pretrain/.cache] [--output examples/models/attune-base]
//
// The tokenizers package trains with its default vocabulary of 30,000, which is cut down to 4,096.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import tokenizers from 'tokenizers'
import { cutVocabulary } from './cut-vocabulary.mjs'

const { Tokenizer } = tokenizers
const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    cache: { type: 'string', default: join(here, '.cache') },
    output: { type: 'string', default: join(here, '../models/attune-base') },
  },
})

const VOCAB_SIZE = 4096
const SPECIAL_TOKENS = ['<|end_of_text|>', '<|im_start|>', '<|im_end|>', '<|pad|>']
// Qwen2's split: contractions, words with one leading character, single digits, punctuation, line breaks.
const SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
const pipeline = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: { type: 'NFC' },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex: SPLIT }, behavior: 'Isolated', invert: false }, byteLevel],
  },
  post_processor: { ...byteLevel },
  decoder: byteLevel,
}
const bpe = {
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: '',
  end_of_word_suffix: '',
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
}

const trained = Tokenizer.fromString(JSON.stringify({ ...pipeline, model: { ...bpe, vocab: {}, merges: [] } }))
trained.train([join(options.cache, 'train.txt')])
const fullFile = join(options.cache, 'tokenizer-full.json')
trained.save(fullFile)
const full = JSON.parse(readFileSync(fullFile, 'utf8'))
rmSync(fullFile)

const { vocab, merges } = cutVocabulary(full.model.merges, VOCAB_SIZE - SPECIAL_TOKENS.length)
const ids = Object.fromEntries(SPECIAL_TOKENS.map((content, i) => [content, VOCAB_SIZE - SPECIAL_TOKENS.length + i]))
const addedToken = (content) => ({
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})
const tokenizer = {
  ...pipeline,
  added_tokens: SPECIAL_TOKENS.map((content) => ({ id: ids[content], ...addedToken(content) })),
  model: { ...bpe, vocab, merges },
}

mkdirSync(options.output, { recursive: true })
const write = (name, value) => writeFileSync(join(options.output, name), JSON.stringify(value, null, 2) + '\n')
write('tokenizer.json', tokenizer)
write('tokenizer_config.json', {
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries(SPECIAL_TOKENS.map((content) => [ids[content], addedToken(content)])),
  additional_special_tokens: ['<|im_start|>', '<|im_end|>'],
  bos_token: '<|end_of_text|>',
  // {% generation %} marks what the assistant says, for the assistant mask of transformers and of attune.
  chat_template:
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}" +
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}" +
    "{% else %}{{ message['content'] + '<|im_end|>\\n' }}{% endif %}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  clean_up_tokenization_spaces: false,
  eos_token: '<|end_of_text|>',
  model_max_length: 512,
  pad_token: '<|pad|>',
  tokenizer_class: 'PreTrainedTokenizerFast',
})
write('special_tokens_map.json', {
  additional_special_tokens: ['<|im_start|>', '<|im_end|>'],
  bos_token: '<|end_of_text|>',
  eos_token: '<|end_of_text|>',
  pad_token: '<|pad|>',
})
write('generation_config.json', {
  bos_token_id: ids['<|end_of_text|>'],
  eos_token_id: [ids['<|end_of_text|>'], ids['<|im_end|>']],
  pad_token_id: ids['<|pad|>'],
})
write('config.json', {
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: ids['<|end_of_text|>'],
  dtype: 'bfloat16',
  eos_token_id: ids['<|end_of_text|>'],
  head_dim: 32,
  hidden_act: 'silu',
  hidden_size: 256,
  initializer_range: 0.02,
  intermediate_size: 512,
  max_position_embeddings: 512,
  mlp_bias: false,
  model_type: 'llama',
  num_attention_heads: 8,
  num_hidden_layers: 6,
  num_key_value_heads: 2,
  pad_token_id: ids['<|pad|>'],
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 10000,
  tie_word_embeddings: true,
  use_cache: true,
  vocab_size: VOCAB_SIZE,
})
await verify()

/** The written file loads, has every id once, and gives back every string it is shown. */
async function verify() {
  const loaded = Tokenizer.fromFile(join(options.output, 'tokenizer.json'))
  if (loaded.getVocabSize(true) !== VOCAB_SIZE) throw new Error(`vocabulary has ${loaded.getVocabSize(true)} entries`)
  const seen = new Set(Object.values(loaded.getVocab(true)))
  if (seen.size !== VOCAB_SIZE || Math.max(...seen) !== VOCAB_SIZE - 1)
    throw new Error('ids are not 0 .. vocabulary size - 1')
  const everyByte = Array.from({ length: 0x250 }, (_, i) => String.fromCodePoint(i)).join('')
  const lines = readFileSync(join(options.cache, 'validation.jsonl'), 'utf8').trim().split('\n')
  const texts = [
    everyByte,
    '',
    ' ',
    '\n\n  x\t',
    'Order 48213: 3 x 19.99 €',
    '日本語 🙂👩‍👩‍👧',
    ...lines.map((line) => JSON.parse(line).text),
  ]
  let characters = 0
  let tokens = 0
  for (const text of texts.map((text) => text.normalize('NFC'))) {
    const encoding = await loaded.encode(text)
    const back = await loaded.decode(encoding.getIds(), false)
    if (back !== text)
      throw new Error(
        `does not round-trip: ${JSON.stringify(text.slice(0, 80))} -> ${JSON.stringify(back.slice(0, 80))}`,
      )
    characters += text.length
    tokens += encoding.getLength()
  }
  console.log(
    `${options.output}: ${VOCAB_SIZE} entries, ${merges.length} merges, ${(characters / tokens).toFixed(2)} characters a token on validation`,
  )
}
