#!/usr/bin/env node
// Step 1: archives of plain English -> .cache/train.jsonl and validation.jsonl, lines of { kind, text }.
//
//   node examples/pretrain/prepare-corpus.mjs [--corpus ../shared/corpus] [--cache examples/pretrain/.cache]
//
// A small model sees about ten million tokens, a third of what the archives hold, so the text nearest to conversation
// is chosen: passages of novels where people talk to each other, articles about everyday and business matters, speeches.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { novelParagraphs, speechParagraphs, wikipediaArticles } from './cleaning.mjs'
import { articleConversation, novelConversations, renderChat } from './conversations.mjs'
import { seededShuffle } from './seeded-shuffle.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    corpus: { type: 'string', default: join(here, '../../../shared/corpus') },
    cache: { type: 'string', default: join(here, '.cache') },
  },
})

// One whole file of each kind is held out. They were picked for being typical of their kind and of medium size.
const HELD_OUT = new Set(['Burnett_Princess_1905.txt', 'wiki_40', '1994-Clinton.txt'])
// Characters of each kind in train.jsonl, at about four characters a token. Chat takes what it finds.
const BUDGET = { novel: 26e6, wikipedia: 18e6 }

const unpacked = join(options.cache, 'raw')
unpack(options.corpus, unpacked)
const files = filesUnder(unpacked)
const train = []
const validation = []
for (const [kind, documents] of Object.entries({ novel: novels(), wikipedia: wikipedia(), speech: speeches() })) {
  validation.push(...documents.filter((document) => document.heldOut))
  train.push(
    ...selectByScore(
      documents.filter((document) => !document.heldOut),
      BUDGET[kind] ?? Infinity,
    ),
  )
}
seededShuffle(train, 1)
write('train.jsonl', train)
write('validation.jsonl', validation)
// The tokenizer learns its merges from the same text, without markup.
writeFileSync(
  join(options.cache, 'train.txt'),
  train
    .filter(({ kind }) => kind !== 'chat')
    .map(({ text }) => text)
    .join('\n\n'),
)

function unpack(corpus, target) {
  const archives = readdirSync(corpus).filter((name) => name.endsWith('.tar.xz'))
  if (archives.length === 0) throw new Error(`no .tar.xz archives in ${corpus}`)
  for (const archive of archives.sort()) {
    const folder = join(target, archive.replace('.tar.xz', ''))
    mkdirSync(folder, { recursive: true })
    execFileSync('tar', ['-xJf', join(corpus, archive), '-C', folder])
  }
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort()
    .map((path) => ({ path, name: path.split('/').at(-1), heldOut: HELD_OUT.has(path.split('/').at(-1)) }))
}

function novels() {
  const documents = []
  for (const { path, heldOut } of files.filter(({ path }) => path.includes('novels'))) {
    const paragraphs = novelParagraphs(readFileSync(path, 'utf8'))
    for (const text of passages(paragraphs, 3000)) {
      documents.push({ kind: 'novel', text, heldOut, score: conversationScore(text) })
    }
    // Each exchange is a document of its own; a passage that holds it may also be kept as prose, which does no harm.
    for (const messages of novelConversations(paragraphs)) {
      documents.push({ kind: 'chat', text: renderChat(messages), heldOut, score: Infinity })
    }
  }
  return documents
}

function wikipedia() {
  const documents = []
  for (const { path, heldOut } of files.filter(({ path }) => path.includes('enwiki'))) {
    for (const article of wikipediaArticles(readFileSync(path, 'utf8'))) {
      const text = [article.title, ...article.paragraphs].join('\n').slice(0, 6000)
      if (!isProse(text)) continue
      documents.push({ kind: 'wikipedia', text, heldOut, score: commerceScore(text) })
      const messages = articleConversation(article, documents.length)
      if (messages) documents.push({ kind: 'chat', text: renderChat(messages), heldOut, score: Infinity })
    }
  }
  return documents
}

function speeches() {
  const documents = []
  for (const { path, name, heldOut } of files.filter(({ path }) => path.includes('speeches'))) {
    if (name === 'README') continue
    for (const text of passages(speechParagraphs(readFileSync(path)), 3000)) {
      documents.push({ kind: 'speech', text, heldOut, score: Infinity })
    }
  }
  return documents
}

/** Consecutive paragraphs gathered to passages of at least `length` characters. */
function passages(paragraphs, length) {
  const result = []
  let current = ''
  for (const paragraph of paragraphs) {
    current += (current === '' ? '' : '\n') + paragraph
    if (current.length >= length) {
      result.push(current)
      current = ''
    }
  }
  if (current.length > 200) result.push(current)
  return result
}

/** Articles of lists, tables and foreign names teach a small model little: few digits, ASCII, some length. */
function isProse(text) {
  const digits = text.match(/\d/g)?.length ?? 0
  const foreign = text.match(/[\u0080-\uffff]/g)?.length ?? 0
  return text.length >= 400 && digits / text.length < 0.025 && foreign / text.length < 0.004
}

/** Words of talking to each other politely, per character. */
function conversationScore(text) {
  const talk = text.match(/\b(you|your|i|we|me|please|thank|thanks|sorry|yes|no|sir|madam|help)\b/gi)?.length ?? 0
  const quotes = text.match(/"/g)?.length ?? 0
  return (talk + quotes) / text.length
}

/** Words of trade and everyday services, per character; the square root keeps long articles from losing to short ones. */
function commerceScore(text) {
  const words =
    text.match(
      /\b(customers?|orders?|deliver\w*|shipping|packages?|payments?|pay|paid|prices?|cards?|accounts?|refund\w*|returns?|products?|services?|stores?|shops?|online|website|email|company|brand|sizes?|items?|bought|buy|sold|sell|support|contact|phone|users?|offers?|available|warranty|repair|policy)\b/gi,
    )?.length ?? 0
  return words / Math.sqrt(text.length)
}

function selectByScore(documents, budget) {
  const kept = []
  let characters = 0
  for (const document of [...documents].sort((a, b) => b.score - a.score)) {
    if (document.score === Infinity) {
      kept.push(document)
    } else if (characters < budget) {
      kept.push(document)
      characters += document.text.length
    }
  }
  return kept
}

function write(name, documents) {
  writeFileSync(
    join(options.cache, name),
    documents.map(({ kind, text }) => JSON.stringify({ kind, text }) + '\n').join(''),
  )
  const table = {}
  for (const { kind, text } of documents) {
    table[kind] ??= { documents: 0, characters: 0 }
    table[kind].documents++
    table[kind].characters += text.length
  }
  console.log(name)
  console.table(table)
}
