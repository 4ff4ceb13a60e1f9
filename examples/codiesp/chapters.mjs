// The chapters of ICD-10-CM, each with the first three characters of its first and last code.
const chapters = [
  ['I infectious and parasitic diseases', 'A00', 'B99'],
  ['II neoplasms', 'C00', 'D49'],
  ['III blood and immune mechanism', 'D50', 'D89'],
  ['IV endocrine, nutritional and metabolic', 'E00', 'E89'],
  ['V mental and behavioural', 'F01', 'F99'],
  ['VI nervous system', 'G00', 'G99'],
  ['VII eye', 'H00', 'H59'],
  ['VIII ear', 'H60', 'H95'],
  ['IX circulatory system', 'I00', 'I99'],
  ['X respiratory system', 'J00', 'J99'],
  ['XI digestive system', 'K00', 'K95'],
  ['XII skin', 'L00', 'L99'],
  ['XIII musculoskeletal system', 'M00', 'M99'],
  ['XIV genitourinary system', 'N00', 'N99'],
  ['XV pregnancy and childbirth', 'O00', 'O9A'],
  ['XVI perinatal period', 'P00', 'P96'],
  ['XVII congenital malformations', 'Q00', 'Q99'],
  ['XVIII symptoms and abnormal findings', 'R00', 'R99'],
  ['XIX injury, poisoning, external consequences', 'S00', 'T88'],
  ['XX external causes', 'V00', 'Y99'],
  ['XXI factors influencing health status', 'Z00', 'Z99'],
  ['XXII special purposes', 'U00', 'U85'],
]

/** Name of the chapter that an ICD-10-CM code belongs to. */
export function chapterOf(code) {
  const category = code.slice(0, 3).toUpperCase()
  const chapter = chapters.find(([, first, last]) => category >= first && category <= last)
  if (chapter === undefined) throw new Error(`${code} is in no chapter of ICD-10-CM`)
  return chapter[0]
}

/** Chapters in the order of the book. */
export const chapterNames = chapters.map(([name]) => name)
