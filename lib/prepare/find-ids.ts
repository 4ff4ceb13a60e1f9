import { passesLuhn, remainder } from './checksums.js'
import { matches, type Finder } from './personal-data.js'

const number = String.raw`(?:numbers?|num|no|nr|n[º°]|id|#|nummer)`
const labels = [
  String.raw`mrn|mr ?#|nhc|nuhsa|urn`,
  String.raw`medical record(?: ${number})?|health record ${number}|chart ${number}`,
  String.raw`(?:patient|hospital|nhs|medicare|medicaid|insurance|policy|member|subscriber|beneficiary|employee|student|customer|client|account|passport|licen[cs]e|driver['’]?s licen[cs]e|driving licen[cs]e|identity card|national insurance|social security|social insurance|tax|taxpayer|vat|badge|personnel|certificate)[ -]?(?:file |card |record |account |identification )?${number}`,
  String.raw`ssn|ssin|nino|tin|itin|dni|nie|nif|cpf|curp|nss|bsn|pesel`,
  String.raw`(?:patienten|versicherungs?|versicherten|fall|kunden|konto|ausweis|steuer|personal)(?:-?nummer|-?nr|-?id)`,
  String.raw`(?:historia cl[ií]nica|n[º°] de historia|num[ée]ro de (?:s[ée]curit[ée] sociale|patient|dossier)|codice fiscale|personnummer|numero di cartella)`,
].join('|')
// The label stays, what it names goes: letters and digits, with the signs that join their groups.
const labelled = new RegExp(
  String.raw`(?<![\p{L}\p{N}])(?:${labels})(?![\p{L}\p{N}])(?: ?\([^)\n]{1,20}\))?[.\s]{0,2}(?:(?:${number})(?![\p{L}\p{N}])[.\s]{0,2})?(?:is |was |[:=#]|[-–] )?[ \t]{0,3}#?(?=[a-z0-9./-]*\d)(?<value>[a-z0-9]+(?:[-/.][a-z0-9]+)*(?: \d+(?![\p{L}\p{N}%]|[.,:/]\d)| [a-d](?![\p{L}\p{N}]))*)`,
  'giu',
)

/** National ids that are known by their form: a check digit, or signs in places where other numbers have none. */
const forms: readonly (readonly [pattern: RegExp, accept: (text: string) => boolean])[] = [
  // United States: social security.
  [/(?<![\p{L}\p{N}.+-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\p{L}\p{N}]|-\d)/gu, () => true],
  // United Kingdom: national insurance.
  [
    /(?<![\p{L}\p{N}])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![\p{L}\p{N}])/gu,
    () => true,
  ],
  // Spain: DNI and NIE end with a check letter.
  [
    /(?<![\p{L}\p{N}])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?![\p{L}\p{N}])/gu,
    (text) => {
      const digits = text.replace(/^[XYZ]/, (first) => String('XYZ'.indexOf(first))).replace(/\D/g, '')
      return text.at(-1) === 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(digits) % 23]
    },
  ],
  // France: social security, with a key of two digits.
  [
    /(?<![\p{L}\p{N}.])[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?![\p{L}\p{N}])/gu,
    (text) => {
      const digits = text.replace(/\D/g, '')
      return 97 - remainder(digits.slice(0, 13), 97) === Number(digits.slice(13))
    },
  ],
  // Sweden: personal number, a birth date and four digits, the last one a check.
  [
    /(?<![\p{L}\p{N}.-])(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+]\d{4}(?![\p{L}\p{N}]|-\d)/gu,
    (text) => passesLuhn(text.replace(/\D/g, '').slice(-10)),
  ],
  // Italy: codice fiscale, known by its form alone.
  [/(?<![\p{L}\p{N}])[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![\p{L}\p{N}])/gu, () => true],
]

export const findIds: Finder = (text) => {
  if (!/\d/.test(text)) return []
  return [
    ...matches(text, labelled, ({ 0: found, index, groups }) => {
      const value = groups?.['value'] ?? ''
      const end = index + found.length
      const plain = value.replace(/[^a-z0-9]/gi, '')
      // `patient no. 12` counts patients; `account 12.5` is an amount.
      const isNumber = plain.length >= 4 && plain.replace(/\D/g, '').length >= 2 && !/^\d+\.\d{1,3}$/.test(value)
      return isNumber && { start: end - value.length, end, identity: plain.toUpperCase() }
    }),
    ...forms.flatMap(([pattern, accept]) => matches(text, pattern, ({ 0: found }) => accept(found))),
  ]
}
