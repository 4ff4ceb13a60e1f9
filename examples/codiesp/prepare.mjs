#!/usr/bin/env node
// CodiEsp: clinical cases and the ICD-10-CM codes of their diagnoses -> out/{train,validation,test}.jsonl,
// rows { text, labels: chapters of the codes }. Needs tar.
//
//   node examples/codiesp/prepare.mjs [--data ../shared/datasets/codiesp-en]
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { datasetFolder, outputBeside, writeParts } from '../prepare/dataset-folder.mjs'
import { chapterNames, chapterOf } from './chapters.mjs'

const published = { train: 'train', validation: 'dev', test: 'test' }
const files = Object.values(published).flatMap((part) => [`${part}-text_files_en.tar.gz`, `${part}D.tsv`])
const folder = datasetFolder('codiesp-en', files)

const parts = Object.entries(published).map(([part, name]) => {
  const chaptersOf = readChapters(join(folder, `${name}D.tsv`))
  const rows = unpack(name).map(({ id, text }) => {
    const present = chaptersOf.get(id) ?? new Set()
    return { id, text, labels: chapterNames.filter((chapter) => present.has(chapter)) }
  })
  return [part, rows]
})
writeParts(outputBeside(import.meta.url), Object.fromEntries(parts))

/** Case -> the set of its chapters. */
function readChapters(file) {
  const chapters = new Map()
  for (const line of readFileSync(file, 'utf8').split(/\r?\n/).filter(Boolean)) {
    const [id, code] = line.split('\t')
    if (!chapters.has(id)) chapters.set(id, new Set())
    chapters.get(id).add(chapterOf(code))
  }
  return chapters
}

/** The cases of a part, in order of their names. */
function unpack(name) {
  const target = join(outputBeside(import.meta.url), 'raw', name)
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, `${name}-text_files_en.tar.gz`), '-C', target])
  const texts = readdirSync(target, { recursive: true }).filter((path) => path.endsWith('.txt'))
  return texts.sort().map((path) => ({
    id: basename(path, '.txt'),
    text: readFileSync(join(target, path), 'utf8').trim(),
  }))
}
