import type { DatasetRow } from '../data/rows.js'
import { countedThat } from './counted.js'
import type { Finding } from './finding.js'
import type { Part } from './label-book.js'
import type { OriginList } from './origin-list.js'
import { Places } from './places.js'
import { partsOf } from './row-texts.js'
import { textHash } from './text-hash.js'

/** Rows that stand twice, ask the same and expect something else, or are validated on after they were trained on. */
export class DuplicateCheck {
  // By hash, the first training row: of input and answer, and of the input alone.
  readonly #rows = new Map<number, number>()
  readonly #inputs = new Map<number, number>()
  readonly #repeated = new Places()
  readonly #otherwise = new Places()
  readonly #leaked = new Places()
  #labelled = false

  /** All training rows come first. Whether the row, or what it asks, has come before. */
  add(row: DatasetRow, part: Part, origins: OriginList, index: number): boolean {
    const { input, answer } = partsOf(row)
    this.#labelled ||= 'label' in row || 'labels' in row || 'tags' in row
    const inputText = JSON.stringify(input)
    const ofInput = textHash(inputText)
    const ofRow = textHash(`${inputText}\n${JSON.stringify(answer) ?? ''}`)
    const same = this.#rows.get(ofRow)
    const asked = this.#inputs.get(ofInput)
    const origin = origins.at(index)
    const known = same ?? asked
    if (part === 'validation') {
      const what = (first: number): string =>
        same === undefined ? `asks what ${origins.at(first)} asks` : `is ${origins.at(first)}`
      if (known !== undefined) this.#leaked.note(origin, what(known))
    } else if (same !== undefined) this.#repeated.note(origin, `is ${origins.at(same)}`)
    else {
      this.#rows.set(ofRow, index)
      if (asked === undefined) this.#inputs.set(ofInput, index)
      else this.#otherwise.note(origin, `asks what ${origins.at(asked)} asks`)
    }
    return known !== undefined
  }

  findings(): Finding[] {
    return [...this.#repeatedFinding(), ...this.#otherwiseFinding(), ...this.#leakedFinding()]
  }

  #repeatedFinding(): Finding[] {
    const { told, count } = this.#repeated
    if (count === 0) return []
    const message = countedThat(count, 'row', 'repeat an earlier one, sign for sign: what stands twice weighs twice.')
    const advice = 'Leave them out (attune prepare), unless they stand there more often on purpose.'
    return [{ code: 'duplicate-rows', severity: 'warning', message, advice, ...told }]
  }

  #otherwiseFinding(): Finding[] {
    const { told, count } = this.#otherwise
    if (count === 0) return []
    if (this.#labelled) {
      const message = countedThat(
        count,
        'row',
        'have the text of an earlier one and another label: one of them is wrong.',
      )
      const advice = 'Look at these pairs and correct the labels; where both are right, give the rows several labels.'
      return [{ code: 'conflicting-labels', severity: 'warning', message, advice, ...told }]
    }
    const message = countedThat(count, 'row', 'ask what an earlier one asks, with another answer.')
    const advice = 'Good where several answers are right; else keep the best one.'
    return [{ code: 'several-answers', severity: 'note', message, advice, ...told }]
  }

  #leakedFinding(): Finding[] {
    const { told, count } = this.#leaked
    if (count === 0) return []
    const message = countedThat(
      count,
      'validation row',
      'are trained on too: the results will look better than they are.',
    )
    const advice = 'Take them out of one of the two; remove duplicates before splitting, or split with groupBy.'
    return [{ code: 'leakage', severity: 'warning', message, advice, ...told }]
  }
}
