// Source files to clean documents: one pure function a kind of source. SOURCE.md beside the archives describes the raw formats.

import { TextDecoder } from 'node:util'

/** Characters of typesetting to plain ASCII, so that a 4,096-token vocabulary need not spend tokens on two kinds of quote. */
export function normalizeText(text) {
  return text
    .normalize('NFC')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/[\u201c\u201d\u00ab\u00bb]/g, '"')
    .replace(/\u2026/g, '...')
    .replace(/\s*(?:\u2014|\u2015|--+)\s*/g, ' - ')
    .replace(/[\u2010\u2011\u2012\u2013\u2212]/g, '-')
    .replace(/[\t\u00a0\u2000-\u200a\u202f\u3000]/g, ' ')
    .replace(/[\u00ad\u200b-\u200f\ufeff]/g, '')
    .replace(/ {2,}/g, ' ')
}

/** A novel to paragraphs. Some files are hard-wrapped with blank lines between paragraphs, others hold one paragraph a line. */
export function novelParagraphs(raw) {
  const lines = raw
    .replace(/^\ufeff/, '')
    .replace(/\r\n?/g, '\n')
    .split('\n')
    .map((line) => line.trim())
  const filled = lines.filter((line) => line !== '')
  const long = filled.filter((line) => line.length > 100).length
  // A hard-wrapped file has no line past 100 characters; one with a paragraph a line has hundreds of them.
  const blocks = long / filled.length < 0.02 ? lines.join('\n').split(/\n\n+/) : filled
  return blocks
    .map((block) => normalizeText(block.replace(/\n/g, ' ').replace(/_/g, '')).trim())
    .filter((paragraph) => paragraph !== '' && !isHeading(paragraph))
}

function isHeading(paragraph) {
  return paragraph.length < 80 && (/^(chapter|book|volume|part)\b/i.test(paragraph) || !/[a-z]/.test(paragraph))
}

/** One WikiExtractor file to articles of at least 200 characters: { title, paragraphs }. */
export function wikipediaArticles(raw) {
  const articles = []
  for (const [, title, body] of raw.matchAll(/<doc [^>]*title="([^"]*)">\n([\s\S]*?)\n?<\/doc>/g)) {
    const lines = unescapeMarkup(body)
      .split('\n')
      .map((line) => normalizeText(line).trim())
      .filter((line) => line !== '')
    const paragraphs = lines.slice(1) // the first line repeats the title
    if (paragraphs.join('\n').length >= 200) {
      articles.push({ title: normalizeText(unescapeMarkup(title)), paragraphs })
    }
  }
  return articles
}

function unescapeMarkup(text) {
  return text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/<[^>\n]{0,200}>/g, '')
}

/** A speech to paragraphs, without its stage directions. Some files are Latin-1. */
export function speechParagraphs(bytes) {
  let raw
  try {
    raw = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    raw = new TextDecoder('latin1').decode(bytes)
  }
  return raw
    .replace(/\r\n?/g, '\n')
    .split(/\n+/)
    .map((line) => normalizeText(line.replace(/[([](applause|laughter)[^)\]]*[)\]]/gi, '')).trim())
    .filter((line) => line.length > 40)
}
