import type { Dataset } from '../data/dataset.js'
import type { CheckSettings } from './data-inspection.js'
import { showRow, type ShownExample } from './show-row.js'

/** The first few examples as the model reads them. */
export class ExampleShow {
  readonly #wanted: number
  readonly #examples: ShownExample[] = []

  constructor(wanted: number) {
    this.#wanted = wanted
  }

  get examples(): readonly ShownExample[] {
    return this.#examples
  }

  async add(rows: Dataset, settings: CheckSettings): Promise<void> {
    for (let at = 0; at < rows.length && this.#examples.length < this.#wanted; at++) {
      const example = await showRow(rows.slice(at, at + 1), settings)
      if (example !== undefined) this.#examples.push(example)
    }
  }
}
