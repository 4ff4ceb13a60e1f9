/**
 * The Porter stemmer with NLTK's extensions, which rouge-score uses. (The stemmers on npm follow Porter's paper or his later
 * versions, and give other stems for words like `flies`, `dying` or `enjoy`.)
 */

interface Rule {
  readonly suffix: string
  readonly replacement: string
  /** What the rest before the suffix must be like. */
  readonly when?: (stem: string) => boolean
}

// Errors that people reported to Martin Porter over the years.
const irregular: ReadonlyMap<string, string> = new Map([
  ['skies', 'sky'],
  ['sky', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['news', 'news'],
  ['innings', 'inning'],
  ['inning', 'inning'],
  ['outings', 'outing'],
  ['outing', 'outing'],
  ['cannings', 'canning'],
  ['canning', 'canning'],
  ['howe', 'howe'],
  ['proceed', 'proceed'],
  ['exceed', 'exceed'],
  ['succeed', 'succeed'],
])

/** Of a word in lower case. */
export function porterStem(word: string): string {
  const known = irregular.get(word)
  if (known !== undefined || word.length <= 2) return known ?? word
  return [plural, pastAndGerund, finalY, doubleSuffix, fullAndNess, bareSuffix, finalE, doubleL].reduce(
    (stem, step) => step(stem),
    word,
  )
}

// Each letter as c (consonant) or v (vowel); a y is a consonant at the start and after a vowel.
function pattern(word: string): string {
  let result = ''
  for (const letter of word) {
    const isVowel = 'aeiou'.includes(letter) || (letter === 'y' && result.endsWith('c'))
    result += isVowel ? 'v' : 'c'
  }
  return result
}

/** Porter's m: how often a consonant follows a vowel. */
function measure(word: string): number {
  return pattern(word).split('vc').length - 1
}

const hasMeasure = (stem: string): boolean => measure(stem) > 0
const hasMeasureOverOne = (stem: string): boolean => measure(stem) > 1

function endsInDoubleConsonant(word: string): boolean {
  return word.length >= 2 && word.at(-1) === word.at(-2) && pattern(word).endsWith('c')
}

/** Consonant, vowel, consonant other than w, x and y; or a word of vowel and consonant. */
function endsShort(word: string): boolean {
  const letters = pattern(word)
  return letters === 'vc' || (letters.endsWith('cvc') && !/[wxy]$/.test(word))
}

/** By the first rule whose suffix fits, if its condition holds. */
function replaceSuffix(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(({ suffix }) => word.endsWith(suffix))
  if (rule === undefined) return word
  const stem = word.slice(0, word.length - rule.suffix.length)
  return rule.when === undefined || rule.when(stem) ? stem + rule.replacement : word
}

function table(when: (stem: string) => boolean, suffixes: Readonly<Record<string, string>>): Rule[] {
  return Object.entries(suffixes).map(([suffix, replacement]) => ({ suffix, replacement, when }))
}

// Step 1a.
function plural(word: string): string {
  if (word.endsWith('ies')) return word.slice(0, word.length === 4 ? -1 : -2)
  if (word.endsWith('sses')) return word.slice(0, -2)
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word
}

// Step 1b.
function pastAndGerund(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, word.length === 4 ? -1 : -2)
  if (word.endsWith('eed')) return hasMeasure(word.slice(0, -3)) ? word.slice(0, -1) : word
  const suffix = ['ed', 'ing'].find((ending) => word.endsWith(ending))
  if (suffix === undefined) return word
  const stem = word.slice(0, -suffix.length)
  if (!pattern(stem).includes('v')) return word
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1)
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem
}

// Step 1c.
function finalY(word: string): string {
  const stem = word.slice(0, -1)
  return word.endsWith('y') && stem.length > 1 && pattern(stem).endsWith('c') ? `${stem}i` : word
}

const doubleSuffixes: readonly Rule[] = [
  ...table(hasMeasure, {
    ational: 'ate',
    tional: 'tion',
    enci: 'ence',
    anci: 'ance',
    izer: 'ize',
    bli: 'ble',
    alli: 'al',
    entli: 'ent',
    eli: 'e',
    ousli: 'ous',
    ization: 'ize',
    ation: 'ate',
    ator: 'ate',
    alism: 'al',
    iveness: 'ive',
    fulness: 'ful',
    ousness: 'ous',
    aliti: 'al',
    iviti: 'ive',
    biliti: 'ble',
    fulli: 'ful',
  }),
  // The l counts with the stem, so that `geologi` is treated as `archaeologi`.
  { suffix: 'logi', replacement: 'log', when: (stem) => hasMeasure(`${stem}l`) },
]

// Step 2.
function doubleSuffix(word: string): string {
  if (word.endsWith('alli') && hasMeasure(word.slice(0, -4))) return doubleSuffix(word.slice(0, -2))
  return replaceSuffix(word, doubleSuffixes)
}

const fullAndNessRules = table(hasMeasure, {
  icate: 'ic',
  ative: '',
  alize: 'al',
  iciti: 'ic',
  ical: 'ic',
  ful: '',
  ness: '',
})

// Step 3.
function fullAndNess(word: string): string {
  return replaceSuffix(word, fullAndNessRules)
}

const bareSuffixes: readonly Rule[] = [
  ...['al', 'ance', 'ence', 'er', 'ic', 'able', 'ible', 'ant', 'ement', 'ment', 'ent'].map(removed),
  { suffix: 'ion', replacement: '', when: (stem) => hasMeasureOverOne(stem) && /[st]$/.test(stem) },
  ...['ou', 'ism', 'ate', 'iti', 'ous', 'ive', 'ize'].map(removed),
]

function removed(suffix: string): Rule {
  return { suffix, replacement: '', when: hasMeasureOverOne }
}

// Step 4.
function bareSuffix(word: string): string {
  return replaceSuffix(word, bareSuffixes)
}

// Step 5a.
function finalE(word: string): string {
  if (!word.endsWith('e')) return word
  const stem = word.slice(0, -1)
  const goes = hasMeasureOverOne(stem) || (measure(stem) === 1 && !endsShort(stem))
  return goes ? stem : word
}

// Step 5b.
function doubleL(word: string): string {
  return word.endsWith('ll') && hasMeasureOverOne(word.slice(0, -1)) ? word.slice(0, -1) : word
}
