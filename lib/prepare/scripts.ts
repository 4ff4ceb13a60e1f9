/** Which writing systems a text uses, by Unicode's Script_Extensions. */
const names = (
  'Latin Cyrillic Greek Arabic Hebrew Devanagari Han Hiragana Katakana Hangul Thai Bengali Tamil Telugu Gujarati Gurmukhi Kannada Malayalam Sinhala ' +
  'Georgian Armenian Ethiopic Khmer Lao Myanmar Tibetan Mongolian Bopomofo Syriac Thaana Cherokee Canadian_Aboriginal Nko Oriya Yi Javanese Balinese ' +
  'Sundanese Tifinagh Coptic Gothic Runic Ogham Adlam Vai Tai_Tham Tai_Le New_Tai_Lue Cham Lisu Ol_Chiki Meetei_Mayek Buginese Tagalog Glagolitic ' +
  'Osage Limbu Lepcha Saurashtra Bamum Batak Samaritan Mandaic Cuneiform Egyptian_Hieroglyphs Linear_B Old_Italic Phoenician Deseret Braille'
).split(' ')

const patterns = names.map((name) => ({
  name,
  only: new RegExp(String.raw`\p{Script=${name}}`, 'u'),
  also: new RegExp(String.raw`\p{Script_Extensions=${name}}`, 'u'),
}))

/** The scripts of one character, the likeliest first; none for what all scripts share (digits, most punctuation, emoji). */
const known = new Map<number, readonly string[]>()

function scriptsOfCharacter(code: number): readonly string[] {
  let scripts = known.get(code)
  if (scripts === undefined) {
    const character = String.fromCodePoint(code)
    const own = patterns.find(({ only }) => only.test(character))
    const shared = patterns.filter(({ also }) => also.test(character)).map(({ name }) => name)
    if (own !== undefined) scripts = [own.name]
    else if (shared.length > 0) scripts = shared
    else
      scripts =
        /[\p{L}\p{M}]/u.test(character) && !/[\p{Script=Common}\p{Script=Inherited}]/u.test(character) ? ['Other'] : []
    known.set(code, scripts)
  }
  return scripts
}

/** How many characters of each script a text has: `{ Latin: 120, Cyrillic: 3 }`, the most frequent first. */
export function countScripts(text: string): Record<string, number> {
  const counts = new Map<string, number>()
  const shared: (readonly string[])[] = []
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 128) {
      const letter = unit | 32
      if (letter >= 97 && letter <= 122) counts.set('Latin', (counts.get('Latin') ?? 0) + 1)
      continue
    }
    const code = text.codePointAt(at) ?? unit
    if (code > 0xffff) at++
    const scripts = scriptsOfCharacter(code)
    if (scripts.length > 1) shared.push(scripts)
    else for (const script of scripts) counts.set(script, (counts.get(script) ?? 0) + 1)
  }
  // A sign of several scripts, such as a long vowel's or a full stop's, belongs to the one the text is written in. By itself it says nothing.
  for (const scripts of shared) {
    let best: string | undefined
    for (const script of scripts)
      if (counts.has(script) && (counts.get(script) ?? 0) > (counts.get(best ?? '') ?? 0)) best = script
    if (best !== undefined) counts.set(best, (counts.get(best) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)))
}

/** The shares of scripts among the letters of a text, from 0 to 1: `{ Latin: 0.98, Cyrillic: 0.02 }`; empty without letters. */
export function scriptsOf(text: string): Record<string, number> {
  return sharesOf(countScripts(text))
}

export interface ScriptMix {
  /** By script: its letters in all texts, its share of all letters, and for how many texts it is the main one. */
  readonly scripts: Readonly<
    Record<string, { readonly characters: number; readonly share: number; readonly texts: number }>
  >
  /** Texts without any letter. */
  readonly withoutLetters: number
  /** Texts of which the main script has less than nine tenths, by index. */
  readonly mixed: readonly number[]
}

/** Which scripts many texts are written in. */
export function scriptMix(texts: Iterable<string>): ScriptMix {
  const totals = new Map<string, { characters: number; texts: number }>()
  const mixed: number[] = []
  let [withoutLetters, all, index] = [0, 0, 0]
  for (const text of texts) {
    const counts = Object.entries(countScripts(text))
    const letters = counts.reduce((sum, [, count]) => sum + count, 0)
    const [main] = counts
    if (main === undefined) withoutLetters++
    else if (main[1] < 0.9 * letters) mixed.push(index)
    for (const [script, count] of counts) {
      const total = totals.get(script) ?? { characters: 0, texts: 0 }
      total.characters += count
      if (script === main?.[0]) total.texts++
      totals.set(script, total)
    }
    all += letters
    index++
  }
  const scripts = [...totals]
    .sort(([, a], [, b]) => b.characters - a.characters)
    .map(([script, total]) => [script, { ...total, share: total.characters / all }] as const)
  return { scripts: Object.fromEntries(scripts), withoutLetters, mixed }
}

function sharesOf(counts: Readonly<Record<string, number>>): Record<string, number> {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return Object.fromEntries(Object.entries(counts).map(([script, count]) => [script, count / total]))
}
