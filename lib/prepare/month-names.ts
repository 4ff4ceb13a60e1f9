/** Months as dates name them, by language; the first twelve are English. */
const full: readonly (readonly string[])[] = [
  'January February March April May June July August September October November December',
  'Januar Februar März April Mai Juni Juli August September Oktober November Dezember',
  'Jänner Feber Maerz',
  'janvier février mars avril mai juin juillet août septembre octobre novembre décembre',
  'enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre',
  'gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre',
  'janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro',
  'januari februari maart april mei juni juli augustus september oktober november december',
  'januari februari mars april maj juni juli augusti september oktober november december',
  'styczeń stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia',
].map((names) => names.split(' '))

// Short forms that are no words of their own in another language, or hardly ever beside a day.
const short =
  'Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Jän Mrz Okt Dez janv févr juil déc ene abr ago dic gen giu fev mrt'.split(
    ' ',
  )

// `may 3 people`, `march 3 miles`: without a year these are months only with a capital.
const doubtful = new Set([
  'may',
  'march',
  'mar',
  'mars',
  'mai',
  'mei',
  'maj',
  'maja',
  'ago',
  'gen',
  'ene',
  'dic',
  'giu',
  'lutego',
  'mrt',
])

const byLength = (a: string, b: string): number => b.length - a.length

/** Longest first, for a pattern without regard to case. */
export const monthPattern = [...new Set([...full.flat(), ...short].map((name) => name.toLowerCase().normalize('NFC')))]
  .sort(byLength)
  .map((name) => name.replace(/[^a-z]/gu, (letter) => `(?:${letter}|${letter.normalize('NFD')})`))
  .join('|')

/** Whether a word beside a day, without a year, is meant as a month. */
export function isSurelyMonth(word: string): boolean {
  const isCapital = word[0] !== word[0]?.toLowerCase()
  return isCapital || !doubtful.has(word.normalize('NFC'))
}
