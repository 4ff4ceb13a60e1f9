import { deidentifier, type Deidentifier } from '../prepare/deidentify.js'
import { oddCharacters, type OddCharacterKind } from '../prepare/odd-characters.js'
import type { PersonalDataKind } from '../prepare/personal-data.js'
import { countScripts } from '../prepare/scripts.js'
import { countedThat } from './counted.js'
import type { Finding } from './finding.js'
import { Places } from './places.js'

export interface ScriptCount {
  readonly script: string
  readonly characters: number
  /** Rows that are written in it for the most part. */
  readonly rows: number
}

export interface PersonalDataCount {
  readonly kind: string
  readonly count: number
  readonly rows: number
}

/** Dates and addresses of pages are looked for too when data are de-identified, but by themselves they name nobody. */
const personal: readonly PersonalDataKind[] = ['email', 'phone', 'card', 'iban', 'id', 'ip']

const kindNames: Readonly<Record<string, readonly [one: string, many: string]>> = {
  email: ['e-mail address', 'e-mail addresses'],
  phone: ['phone number', 'phone numbers'],
  card: ['card number', 'card numbers'],
  iban: ['account number', 'account numbers'],
  id: ['identity number', 'identity numbers'],
  ip: ['network address', 'network addresses'],
}

/** Signs of a text that was read or written wrongly; the other kinds are left over from a layout and do less harm. */
const broken: ReadonlySet<OddCharacterKind> = new Set<OddCharacterKind>([
  'control',
  'replacement',
  'mojibake',
  'lone-surrogate',
  'noncharacter',
])

/** What stands in the texts of rows: scripts, characters nobody meant, data about persons. */
export class TextCheck {
  readonly #find: Deidentifier = deidentifier({ kinds: personal })
  readonly #broken = new Places()
  readonly #left = new Places()
  readonly #personal = new Places()
  readonly #kinds = new Map<string, { count: number; rows: number }>()
  readonly #scripts = new Map<string, { characters: number; rows: number; places: Places }>()

  /** All texts of a row. */
  add(texts: readonly string[], origin: string): void {
    const text = texts.join('\n')
    this.#addScripts(text, origin)
    const odd = oddCharacters(text).findings
    const worst = odd.find(({ kind }) => broken.has(kind))
    const [first] = odd
    if (worst !== undefined) this.#broken.note(origin, `${worst.kind}: ${worst.what}`)
    else if (first !== undefined) this.#left.note(origin, `${first.kind}: ${first.what}`)
    this.#addPersonal(this.#find(text).counts, origin)
  }

  /** The most frequent first. */
  get scripts(): ScriptCount[] {
    const list = [...this.#scripts].map(([script, { characters, rows }]) => ({ script, characters, rows }))
    return list.sort((a, b) => b.characters - a.characters)
  }

  /** Kinds and counts, never what stands there. */
  get personalData(): PersonalDataCount[] {
    return [...this.#kinds].map(([kind, counts]) => ({ kind, ...counts })).sort((a, b) => b.count - a.count)
  }

  findings(): Finding[] {
    return [...this.#personalFinding(), ...this.#brokenFinding(), ...this.#leftFinding(), ...this.#scriptFinding()]
  }

  #addScripts(text: string, origin: string): void {
    const counts = Object.entries(countScripts(text))
    counts.forEach(([script, characters], at) => {
      const total = this.#scripts.get(script) ?? { characters: 0, rows: 0, places: new Places() }
      this.#scripts.set(script, total)
      total.characters += characters
      if (at > 0) return
      total.rows++
      total.places.note(origin, script)
    })
  }

  #addPersonal(counts: Readonly<Record<string, number>>, origin: string): void {
    const kinds = Object.entries(counts)
    if (kinds.length === 0) return
    this.#personal.note(origin, kinds.map(([kind, count]) => amount(kind, count)).join(', '))
    for (const [kind, count] of kinds) {
      const total = this.#kinds.get(kind) ?? { count: 0, rows: 0 }
      this.#kinds.set(kind, total)
      total.count += count
      total.rows++
    }
  }

  #personalFinding(): Finding[] {
    const { told, count } = this.#personal
    if (count === 0) return []
    const kinds = this.personalData.map((one) => amount(one.kind, one.count)).join(', ')
    const message = countedThat(count, 'row', `have what looks like data about persons: ${kinds}.`)
    const advice =
      'A model may learn them by heart and say them: replace them with placeholders (deidentifyDataset, attune prepare).'
    return [{ code: 'personal-data', severity: 'warning', message, advice, ...told }]
  }

  #brokenFinding(): Finding[] {
    const { told, count } = this.#broken
    if (count === 0) return []
    const message = countedThat(count, 'row', 'have signs of a broken text: a wrong encoding, or control characters.')
    const advice = 'Read the source again in its own encoding, or repair the texts (attune prepare).'
    return [{ code: 'odd-characters', severity: 'warning', message, advice, ...told }]
  }

  #leftFinding(): Finding[] {
    const { told, count } = this.#left
    if (count === 0) return []
    const message = countedThat(count, 'row', 'have odd characters that a reader does not see.')
    const advice = 'Take them out (attune prepare) where they mean nothing: each may cost a token.'
    return [{ code: 'odd-characters', severity: 'note', message, advice, ...told }]
  }

  /** Rows in another script than most are: data of another language among them, perhaps. */
  #scriptFinding(): Finding[] {
    const [main, ...others] = [...this.#scripts]
      .sort(([, a], [, b]) => b.rows - a.rows)
      .filter(([, { rows }]) => rows > 0)
    if (main === undefined || others.length === 0) return []
    const count = others.reduce((sum, [, { rows }]) => sum + rows, 0)
    const names = others.map(([script, { rows }]) => `${script} ${rows.toLocaleString('en')}`).join(', ')
    return [
      {
        code: 'mixed-scripts',
        severity: 'note',
        message: `${countedThat(count, 'row', `are not written in ${main[0]} as the others`)}: ${names}.`,
        advice: 'Good where the model should know these languages, and its tokenizer does.',
        where: others.flatMap(([, { places }]) => places.where).slice(0, 10),
        count,
      },
    ]
  }
}

function amount(kind: string, count: number): string {
  const [one, many] = kindNames[kind] ?? [kind, kind]
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
