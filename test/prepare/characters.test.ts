import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findMojibake } from '../../lib/prepare/mojibake.js'
import { oddCharacters } from '../../lib/prepare/odd-characters.js'
import { countScripts, scriptMix, scriptsOf } from '../../lib/prepare/scripts.js'

describe('scripts', () => {
  test.each([
    ['Hello, world! 123', { Latin: 1 }],
    ['Привет', { Cyrillic: 1 }],
    ['今日はニュース', { Han: 2 / 7, Hiragana: 1 / 7, Katakana: 4 / 7 }],
    ['한국어', { Hangul: 1 }],
    ['नमस्ते।', { Devanagari: 1 }],
    ['ab cd אב', { Latin: 4 / 6, Hebrew: 2 / 6 }],
    ['123 … 😀 —', {}],
    ['', {}],
    ['Ελληνικά', { Greek: 1 }],
    ['e\u0301', { Latin: 1 }],
  ])('%s', (text, expected) => {
    const shares = scriptsOf(text)
    expect(Object.keys(shares).sort()).toEqual(Object.keys(expected).sort())
    for (const [script, share] of Object.entries(expected)) expect(shares[script]).toBeCloseTo(share)
  })

  test('the most frequent comes first', () => {
    expect(Object.entries(countScripts('да abc'))).toEqual([
      ['Latin', 3],
      ['Cyrillic', 2],
    ])
  })

  test('shares make one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const sum = Object.values(scriptsOf(text)).reduce((total, share) => total + share, 0)
        expect(sum === 0 || Math.abs(sum - 1) < 1e-9).toBe(true)
      }),
    )
  })

  test('the mix of many texts', () => {
    const { scripts, mixed, withoutLetters } = scriptMix(['abcdefgh', 'да', '123', 'abc да'])
    expect(scripts).toEqual({
      Latin: { characters: 11, share: 11 / 15, texts: 2 },
      Cyrillic: { characters: 4, share: 4 / 15, texts: 1 },
    })
    expect([mixed, withoutLetters]).toEqual([[3], 1])
  })
})

describe('odd characters', () => {
  test.each([
    ['a\u0000b', 'control', 'U+0000'],
    ['a\u009Cb', 'control', 'U+009C'],
    ['a\uFFFDb', 'replacement', 'U+FFFD'],
    ['a\u200Bb', 'zero-width', 'U+200B'],
    ['a\u00ADb', 'zero-width', 'U+00AD'],
    ['a\u202Eb', 'bidirectional', 'U+202E'],
    ['a\uFEFFb', 'byte-order-mark', 'U+FEFF'],
    ['a\uD800b', 'lone-surrogate', 'U+D800'],
    ['a\uDC00', 'lone-surrogate', 'U+DC00'],
    ['a\u00A0b', 'unusual-space', 'U+00A0'],
    ['a\u2028b', 'unusual-space', 'U+2028'],
    ['a\fb', 'unusual-space', 'U+000C'],
    ['a\uE000b', 'private-use', 'U+E000'],
    ['a\u{F0000}b', 'private-use', 'U+F0000'],
    ['a\uFFFEb', 'noncharacter', 'U+FFFE'],
    ['cafÃ© noir', 'mojibake', 'Ã© for é'],
    ['donâ€™t', 'mojibake', 'â€™ for ’'],
    ['ï»¿text', 'mojibake', 'ï»¿ for \uFEFF'],
    ['Â£5', 'mojibake', 'Â£ for £'],
    ['ðŸ˜€ hi', 'mojibake', 'ðŸ˜€ for 😀'],
    ['ÐŸÑ€Ð¸Ð²ÐµÑ‚', 'mojibake', 'ÐŸÑ€Ð¸Ð²ÐµÑ‚ for Привет'],
  ])('%j', (text, kind, what) => {
    const { counts, findings } = oddCharacters(text)
    expect(counts).toEqual({ [kind]: 1 })
    expect(findings).toMatchObject([{ kind, what }])
    const [{ start, end }] = findings as unknown as [{ start: number; end: number }]
    expect(text.slice(0, start) + text.slice(end)).not.toBe(text)
  })

  test.each([
    'plain text\twith tabs\r\nand lines',
    'Übergröße, naïveté, São Paulo, ÇA VA, NÃO, AÑO, Ångström, Œuvre',
    '«Bonjour\u00A0!» et 10\u00A0000\u202F€ : 5\u202F%',
    '👨‍👩‍👧 👍🏽 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    'می‌خواهم',
    'क्‍ष',
    '今日は\u3000元気',
    '„Ä“ und “É”, CAFÉ»',
    'naïve — “quoted” … end',
    'MAÇÃ…',
    '😀𝒳',
  ])('%s is as it should be', (text) => {
    expect(oddCharacters(text).findings).toEqual([])
  })

  test('places of one kind are counted apart, neighbours together', () => {
    const { counts, findings } = oddCharacters('\u200B\u200Ba\u200Bb\u0007')
    expect(counts).toEqual({ 'zero-width': 2, control: 1 })
    expect(findings.map(({ start, end }) => [start, end])).toEqual([
      [0, 2],
      [3, 4],
      [5, 6],
    ])
  })

  test('text in a wrong encoding is found and can be repaired', () => {
    const decoder = new TextDecoder('windows-1252')
    for (const text of ['déjà vu', 'für Übung', 'España', '“quoted” — it’s', '10 €', 'Ελλάδα', 'Привет', '日本語']) {
      const broken = decoder.decode(new TextEncoder().encode(text))
      let repaired = broken
      for (const { start, end, repaired: meant } of findMojibake(broken).reverse())
        repaired = repaired.slice(0, start) + meant + repaired.slice(end)
      expect(repaired).toBe(text)
    }
  })

  test('findings are apart and in order for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let at = 0
        for (const { start, end } of oddCharacters(text).findings) {
          expect(start).toBeGreaterThanOrEqual(at)
          at = end
        }
      }),
    )
  })
})
