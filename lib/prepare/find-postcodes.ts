import { matches, type Finder } from './personal-data.js'

const states =
  'A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]'
const patterns: readonly RegExp[] = [
  // United Kingdom.
  /(?<![\p{L}\p{N}])(?:GIR ?0AA|[A-PR-UWYZ](?:\d[\dA-HJKPSTUW]?|[A-HK-Y]\d[\dABEHMNPRVWXY]?) ?\d[ABD-HJLNP-UW-Z]{2})(?![\p{L}\p{N}])/gu,
  // Canada (without the space it may be a tumour's stage, T2N0M0), the Netherlands.
  /(?<![\p{L}\p{N}])[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]\d[ABCEGHJ-NPRSTV-Z]\d(?![\p{L}\p{N}])/gu,
  /(?<![\p{L}\p{N}])[1-9]\d{3} ?(?!SA|SD|SS|UK|US|EU|AD|BC|AM|PM|HP|KM|KG|CC|CM|MM|KB|MB|TV|CD)[A-Z]{2}(?= \p{Lu}\p{Ll})/gu,
  // After a country's letter: D-10115, F-75001.
  /(?<![\p{L}\p{N}])(?:A|B|CH|D|DK|E|F|I|L|NL|P|S)-\d{4,5}(?=,? \p{Lu})/gu,
]
// United States: after the state. Anywhere: after a word that says so.
const afterWord = new RegExp(
  String.raw`(?:(?<![\p{L}\p{N}])(?:${states}),? +|(?<![\p{L}])(?:zip(?: ?code)?|post ?code|postal code|plz|postleitzahl|c[óo]digo postal|code postal|cap)\W{1,3})(?<value>\d{4,5}(?:-\d{4})?)(?![\p{L}\p{N}]|[.,-]\d)`,
  'gu',
)
const afterWordAnyCase = new RegExp(afterWord.source.replace(`(?<![\\p{L}\\p{N}])(?:${states}),? +|`, ''), 'giu')

export const findPostcodes: Finder = (text) => [
  ...patterns.flatMap((pattern) => matches(text, pattern)),
  ...[afterWord, afterWordAnyCase].flatMap((pattern) =>
    matches(text, pattern, ({ 0: found, index, groups }) => {
      const end = index + found.length
      return { start: end - (groups?.['value'] ?? '').length, end }
    }),
  ),
]
