import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../lib/data/random.js'
import { chooseBands } from '../../lib/prepare/bands.js'
import { findDuplicates } from '../../lib/prepare/find-duplicates.js'
import { findNearDuplicates } from '../../lib/prepare/find-near-duplicates.js'
import { estimatedSimilarity, MinHash } from '../../lib/prepare/min-hash.js'
import { NearDuplicateIndex } from '../../lib/prepare/near-duplicate-index.js'
import { normalizeText } from '../../lib/prepare/normalize-text.js'
import { jaccard, shingles } from '../../lib/prepare/shingles.js'

const vocabulary = Array.from({ length: 40 }, (_, i) => `w${i}`)
const words = fc.array(fc.constantFrom(...vocabulary), { minLength: 0, maxLength: 30 })
const corpus = fc.array(
  fc.oneof(
    words.map((list) => list.join(' ')),
    fc.constantFrom(
      '',
      ' ',
      '!!!',
      'Hello there',
      'hello  THERE',
      'héllo',
      'he\u0301llo',
      'a b c d e f g h i j k l m n o p q r s t',
    ),
  ),
  { maxLength: 30 },
)

/** `count` words, of which `changed` differ between the two texts. */
function pairOf(random: RandomStream, count: number, changed: number): [string, string] {
  const first = Array.from({ length: count }, () => `t${random.nextBelow(1e6)}`)
  const second = [...first]
  for (const at of random.permutation(count).slice(0, changed)) second[at] = `u${random.nextBelow(1e6)}`
  return [first.join(' '), second.join(' ')]
}

describe('exact duplicates', () => {
  test('every one is found, and nothing else', () => {
    fc.assert(
      fc.property(corpus, fc.boolean(), fc.boolean(), (texts, ignoreCase, ignoreSpace) => {
        const options = { ignoreCase, ignoreSpace }
        const groups = findDuplicates(texts, options)
        const groupOf = new Map(groups.flatMap((group, at) => group.map((index) => [index, at] as const)))
        for (const group of groups) expect(group).toEqual([...new Set(group)].sort((a, b) => a - b))
        texts.forEach((a, i) => {
          texts.slice(0, i).forEach((b, j) => {
            const same = normalizeText(a, options) === normalizeText(b, options)
            expect(groupOf.has(i) && groupOf.get(i) === groupOf.get(j)).toBe(same)
          })
        })
      }),
    )
  })

  test('long texts and composed letters', () => {
    const long = 'A long text that is kept as a digest only. '.repeat(20)
    expect(findDuplicates([long, `${long}x`, long.toUpperCase(), 'é', 'e\u0301'])).toEqual([
      [0, 2],
      [3, 4],
    ])
    expect(findDuplicates([long, long.toUpperCase()], { ignoreCase: false })).toEqual([])
    expect(findDuplicates([])).toEqual([])
  })
})

describe('MinHash', () => {
  test('estimates the Jaccard similarity', () => {
    const random = new RandomStream('test', 1)
    const hash = new MinHash({ length: 256, size: 3, seed: 5 })
    let [sum, squares, pairs] = [0, 0, 0]
    for (let changed = 0; changed <= 60; changed++) {
      const [a, b] = pairOf(random, 120, changed)
      const real = jaccard(shingles(a, 3), shingles(b, 3))
      const error = estimatedSimilarity(hash.signature(a), hash.signature(b)) - real
      // Five standard deviations of a share of 256.
      expect(Math.abs(error)).toBeLessThanOrEqual(5 * Math.sqrt((real * (1 - real)) / 256) + 1e-12)
      sum += error
      squares += error * error
      pairs++
    }
    // No bias, and the spread that theory gives (at most 1 / (2 √256)).
    expect(Math.abs(sum / pairs)).toBeLessThan((3 * 0.03125) / Math.sqrt(pairs))
    expect(Math.sqrt(squares / pairs)).toBeLessThan(0.04)
  })

  test('is the same for the same seed, another for another', () => {
    const of = (seed: number): number[] => [
      ...new MinHash({ length: 16, size: 3, seed }).signature('one two three four five'),
    ]
    expect(of(1)).toEqual(of(1))
    expect(of(1)).not.toEqual(of(2))
  })
})

describe('bands', () => {
  test.each([0.3, 0.5, 0.7, 0.85, 0.95, 1])('at %f keep the confidence', (threshold) => {
    const { bands, rows, probability } = chooseBands(threshold, 0.99, 128)
    expect(bands * rows).toBeLessThanOrEqual(128)
    expect(probability).toBeGreaterThanOrEqual(0.99)
    expect(probability).toBeCloseTo(1 - (1 - threshold ** rows) ** bands)
  })
})

describe('near duplicates', () => {
  test('are as similar as the threshold, by an exact count', () => {
    fc.assert(
      fc.property(
        corpus,
        fc.constantFrom(0.3, 0.5, 0.85, 1),
        fc.constantFrom(1, 3),
        (texts, threshold, shingleWords) => {
          const { groups } = findNearDuplicates(texts, { threshold, shingleWords })
          const seen = new Set<number>()
          for (const { first, others } of groups) {
            for (const { index, similarity } of others) {
              const real = jaccard(shingles(texts[first]!, shingleWords), shingles(texts[index]!, shingleWords))
              expect(similarity).toBe(real)
              expect(real).toBeGreaterThanOrEqual(threshold)
              expect(index).toBeGreaterThan(first)
              expect(seen.has(index)).toBe(false)
              seen.add(index)
            }
          }
        },
      ),
    )
  })

  test('texts that are the same but for case and signs are always found', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(words, { minLength: 1, maxLength: 12, selector: (list) => list.join(' ') }),
        (lists) => {
          const texts = lists.map((list) => list.join(' '))
          const again = lists.map((list) => list.join(', ').toUpperCase())
          const { groups } = findNearDuplicates([...texts, ...again], { threshold: 1 })
          const found = new Set(groups.flatMap(({ others }) => others.map(({ index }) => index)))
          again.forEach((_, i) => expect(found.has(texts.length + i)).toBe(true))
        },
      ),
    )
  })

  test('are found as surely as promised', () => {
    const random = new RandomStream('test', 2)
    const pairs = Array.from({ length: 400 }, () => pairOf(random, 100, 2)).filter(
      ([a, b]) => jaccard(shingles(a, 3), shingles(b, 3)) >= 0.85,
    )
    expect(pairs.length).toBeGreaterThan(300)
    const { groups, probability } = findNearDuplicates(pairs.flat(), { threshold: 0.85 })
    expect(groups.length / pairs.length).toBeGreaterThanOrEqual(probability - 0.01)
  })

  test('small changes one after the other do not flow together', () => {
    const list = Array.from({ length: 40 }, (_, i) => `word${i}`)
    const texts = Array.from({ length: 30 }, (_, i) =>
      [...list.slice(i), ...list.slice(0, i).map((word) => `${word}x`)].join(' '),
    )
    const { groups } = findNearDuplicates(texts, { threshold: 0.85 })
    for (const { first, others } of groups) {
      for (const { index } of others)
        expect(jaccard(shingles(texts[first]!, 3), shingles(texts[index]!, 3))).toBeGreaterThanOrEqual(0.85)
    }
    expect(groups.length).toBeGreaterThan(5)
  })

  test('scripts without spaces are compared by characters', () => {
    const text = '今日は天気がいいので、公園へ散歩に行きました。そして友達に会いました。'
    expect(findNearDuplicates([text, '今日は雨なので、家で本を読みました。', '別の文章です']).groups).toEqual([])
    expect(findNearDuplicates([text, text.replace('。', '！')]).groups).toHaveLength(1)
  })

  test('an index answers for texts that come later', () => {
    const texts = ['the quick brown fox jumps over the lazy dog', 'something else entirely is written here']
    const index = new NearDuplicateIndex((at) => texts[at]!, { threshold: 0.7 })
    texts.forEach((text, at) => index.add(text, at))
    expect(index.find('The quick brown fox jumps over the lazy dog!')).toEqual({ index: 0, similarity: 1 })
    expect(index.find('the quick brown fox jumps over the lazy cat')).toEqual({ index: 0, similarity: 0.75 })
    expect(index.find('nothing of the kind')).toBeUndefined()
  })

  test('thousands of rows take little memory and time', () => {
    const random = new RandomStream('test', 3)
    const texts = Array.from({ length: 5000 }, () => pairOf(random, 30, 0)[0])
    const copies = texts.slice(0, 500).map((text) => `${text} indeed`)
    const { groups } = findNearDuplicates([...texts, ...copies])
    expect(groups).toHaveLength(500)
  })
})
