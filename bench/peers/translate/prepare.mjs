#!/usr/bin/env node
// Swedish and English sentences of Tatoeba -> out/: the tokenizer, the initial weights, and the token ids of every step and of
// the held-out pairs. attune and PyTorch both read these files, so that nothing but the engine differs.
//
//   node bench/peers/translate/prepare.mjs [--data ../shared/datasets/tatoeba-swe-eng]
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Model } from 'attune'
import tokenizers from 'tokenizers'
import { datasetFolder, outputBeside } from '../../../examples/prepare/dataset-folder.mjs'
import { splitByHash } from '../../../examples/prepare/split.mjs'
import { cutVocabulary } from '../../../examples/pretrain/cut-vocabulary.mjs'
import { seededShuffle } from '../../../examples/pretrain/seeded-shuffle.mjs'

const here = (name) => new URL(name, import.meta.url)
const settings = JSON.parse(readFileSync(here('settings.json'), 'utf8'))
const config = JSON.parse(readFileSync(here('config.json'), 'utf8'))
const folder = datasetFolder('tatoeba-swe-eng', ['swe.txt.gz'])
const output = outputBeside(import.meta.url)
mkdirSync(join(output, 'initial'), { recursive: true })

const parts = splitPairs()
const tokenizer = await trainTokenizer(parts.train)
const encoded = { train: await encode(parts.train), test: await encode(parts.test) }
const steps = orderOfSteps(encoded.train)
write('steps.jsonl', steps)
write('test.jsonl', encoded.test)
copyFileSync(here('config.json'), join(output, 'initial', 'config.json'))
const model = await Model.fromConfig(join(output, 'initial'), { seed: settings.seed })
await model.save(join(output, 'initial'))
model.dispose()
const tokens = (rows, side) => rows.reduce((sum, row) => sum + row[side].length, 0)
console.log(
  `${output}: ${parts.train.length} pairs to train on (${tokens(encoded.train, 'source')} + ${tokens(encoded.train, 'target')} tokens), ` +
    `${parts.test.length} to test on, ${steps.length} steps of ${settings.batchSize} pairs`,
)

/**
 * Translations of one English sentence share a part. A tenth is for the test, without the pairs whose Swedish side was
 * trained on as the translation of another English sentence.
 */
function splitPairs() {
  const lines = gunzipSync(readFileSync(join(folder, 'swe.txt.gz')))
    .toString('utf8')
    .split(/\r?\n/)
  const pairs = lines.filter(Boolean).map((line) => {
    const [english, swedish] = line.split('\t')
    return { source: swedish, target: english }
  })
  const { train, test } = splitByHash(pairs, ({ target }) => target, { 9: 'test' })
  const trained = new Set(train.map(({ source }) => source))
  const unseen = test.filter(({ source }) => !trained.has(source))
  // One row a source: the others are further references.
  const references = new Map()
  for (const { source, target } of unseen) references.set(source, [...(references.get(source) ?? []), target])
  return {
    train,
    test: [...references].map(([source, targets]) => ({ source, target: targets[0], references: targets })),
  }
}

/** A byte-level BPE of both languages; ends every text with the end-of-sequence token. */
async function trainTokenizer(pairs) {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true }
  const bpe = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: '',
    end_of_word_suffix: '',
    fuse_unk: false,
  }
  const pipeline = {
    version: '1.0',
    truncation: null,
    padding: null,
    normalizer: { type: 'NFC' },
    pre_tokenizer: byteLevel,
    decoder: byteLevel,
  }
  const trainer = tokenizers.Tokenizer.fromString(
    JSON.stringify({ ...pipeline, added_tokens: [], post_processor: null, model: { ...bpe, vocab: {}, merges: [] } }),
  )
  const text = join(output, 'train.txt')
  const full = join(output, 'tokenizer-full.json')
  writeFileSync(text, pairs.flatMap(({ source, target }) => [source, target]).join('\n'))
  trainer.train([text])
  trainer.save(full)
  const { model } = JSON.parse(readFileSync(full, 'utf8'))
  rmSync(full)
  const special = { '</s>': config.eos_token_id, '<pad>': config.pad_token_id }
  const added = (content) => ({
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  const end = { SpecialToken: { id: '</s>', type_id: 0 } }
  const file = {
    ...pipeline,
    added_tokens: Object.entries(special).map(([content, id]) => ({ id, ...added(content) })),
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, end],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, end, { Sequence: { id: 'B', type_id: 0 } }, end],
      special_tokens: { '</s>': { id: '</s>', ids: [config.eos_token_id], tokens: ['</s>'] } },
    },
    model: { ...bpe, ...cutVocabulary(model.merges, config.vocab_size - Object.keys(special).length) },
  }
  const path = join(output, 'initial', 'tokenizer.json')
  writeFileSync(path, JSON.stringify(file))
  const names = {
    eos_token: '</s>',
    pad_token: '<pad>',
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
  }
  writeFileSync(join(output, 'initial', 'tokenizer_config.json'), JSON.stringify(names, null, 2) + '\n')
  return tokenizers.Tokenizer.fromFile(path)
}

async function encode(pairs) {
  const ids = async (text) => Array.from((await tokenizer.encode(text)).getIds())
  return Promise.all(
    pairs.map(async ({ source, target, references }) => ({
      source: await ids(source),
      target: await ids(target),
      ...(references === undefined ? {} : { references }),
    })),
  )
}

/**
 * The pairs of every step. Each epoch is shuffled; within fifty batches pairs are sorted by length, so that PyTorch, which pads,
 * pads little, and the batches are shuffled again.
 */
function orderOfSteps(rows) {
  const { batchSize, seed } = settings
  const length = ({ source, target }) => source.length + target.length
  const steps = []
  for (let epoch = 0; steps.length < settings.steps; epoch++) {
    const order = seededShuffle([...rows], seed + 2 * epoch)
    const batches = []
    for (let begin = 0; begin < order.length; begin += 50 * batchSize) {
      const sorted = order.slice(begin, begin + 50 * batchSize).sort((a, b) => length(a) - length(b))
      for (let i = 0; i + batchSize <= sorted.length; i += batchSize) batches.push(sorted.slice(i, i + batchSize))
    }
    steps.push(...seededShuffle(batches, seed + 2 * epoch + 1))
  }
  return steps.slice(0, settings.steps).map((batch) => ({
    source: batch.map(({ source }) => source),
    target: batch.map(({ target }) => target),
  }))
}

function write(name, rows) {
  writeFileSync(join(output, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}
