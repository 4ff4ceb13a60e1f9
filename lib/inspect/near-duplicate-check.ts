import type { DatasetRow } from '../data/rows.js'
import { NearDuplicateIndex } from '../prepare/near-duplicate-index.js'
import { countedThat } from './counted.js'
import type { Finding } from './finding.js'
import type { Part } from './label-book.js'
import type { OriginList } from './origin-list.js'
import { Places } from './places.js'
import { textsOf } from './row-texts.js'

// With fewer words than this, two texts that differ in one are different texts.
const fewestWords = 8
// From this share of all rows on, rows that are nearly the same are more than chance.
const manyShare = 0.05

/** Rows that are nearly the same as an earlier one. The texts are kept to compare them, so there is a limit to them. */
export class NearDuplicateCheck {
  readonly #mostCharacters: number
  readonly #texts = new Map<number, string>()
  readonly #index = new NearDuplicateIndex((at) => this.#texts.get(at) ?? '')
  readonly #repeated = new Places()
  readonly #leaked = new Places()
  #characters = 0
  #rows = 0
  #left = 0

  /** @param mostCharacters rows after so many characters are not compared */
  constructor(mostCharacters: number) {
    this.#mostCharacters = mostCharacters
  }

  /** Rows that are no exact duplicates; all training rows come first. */
  add(row: DatasetRow, part: Part, origins: OriginList, index: number): void {
    const text = textsOf(row).join('\n')
    if (this.#characters + text.length > this.#mostCharacters) {
      this.#left++
      return
    }
    this.#characters += text.length
    this.#rows++
    if (text.split(/\s+/, fewestWords + 1).length < fewestWords) return
    if (part === 'validation') {
      const found = this.#index.find(text)
      if (found !== undefined)
        this.#leaked.note(origins.at(index), `${percent(found.similarity)} of ${origins.at(found.index)}`)
      return
    }
    this.#texts.set(index, text)
    const found = this.#index.findOrAdd(text, index)
    if (found === undefined) return
    this.#texts.delete(index)
    this.#repeated.note(origins.at(index), `${percent(found.similarity)} of ${origins.at(found.index)}`)
  }

  findings(): Finding[] {
    return [...this.#repeatedFinding(), ...this.#leakedFinding()]
  }

  /** Rows that were not compared. */
  get left(): number {
    return this.#left
  }

  #repeatedFinding(): Finding[] {
    const { count, where } = this.#repeated
    if (count === 0) return []
    const message = countedThat(count, 'row', 'are nearly the same as an earlier one.')
    const advice =
      'Look at some pairs: near duplicates add little, and land on both sides of a split (attune prepare leaves them out).'
    const severity = count > manyShare * this.#rows ? 'warning' : 'note'
    return [{ code: 'near-duplicate-rows', severity, message, advice, where, count }]
  }

  #leakedFinding(): Finding[] {
    const { count, where } = this.#leaked
    if (count === 0) return []
    const message = countedThat(count, 'validation row', 'are nearly the same as one that is trained on.')
    const advice =
      'The results may look better than they are: split by what the rows are about (groupBy), or take one of each pair out.'
    return [{ code: 'near-leakage', severity: 'warning', message, advice, where, count }]
  }
}

function percent(share: number): string {
  return `${Math.floor(100 * share)} %`
}
