#!/usr/bin/env node
// Step 3: train.jsonl, validation.jsonl -> train.bin, validation.bin: token ids as little-endian uint16, each document
// followed by <|end_of_text|>.
//
//   node examples/pretrain/tokenize-corpus.mjs [--cache examples/pretrain/.cache] [--model examples/models/attune-base]
import { createReadStream, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import tokenizers from 'tokenizers'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    cache: { type: 'string', default: join(here, '.cache') },
    model: { type: 'string', default: join(here, '../models/attune-base') },
  },
})
const tokenizer = tokenizers.Tokenizer.fromFile(join(options.model, 'tokenizer.json'))
const endOfText = tokenizer.tokenToId('<|end_of_text|>')

for (const split of ['validation', 'train']) {
  const pieces = []
  const tokensByKind = {}
  let documents = 0
  for await (const batch of batches(join(options.cache, `${split}.jsonl`), 256)) {
    const encodings = await tokenizer.encodeBatch(
      batch.map(({ text }) => text),
      { addSpecialTokens: false },
    )
    encodings.forEach((encoding, i) => {
      const ids = Uint16Array.from([...encoding.getIds(), endOfText])
      pieces.push(Buffer.from(ids.buffer))
      tokensByKind[batch[i].kind] = (tokensByKind[batch[i].kind] ?? 0) + ids.length
    })
    documents += batch.length
  }
  const bytes = Buffer.concat(pieces)
  writeFileSync(join(options.cache, `${split}.bin`), bytes)
  console.log(`${split}.bin: ${bytes.length / 2} tokens, ${documents} documents`, tokensByKind)
}

async function* batches(file, size) {
  let batch = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    batch.push(JSON.parse(line))
    if (batch.length === size) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
