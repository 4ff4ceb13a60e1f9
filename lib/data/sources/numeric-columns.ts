/** Columns of CSV and TSV files that hold numbers: no single cell says so, as a class may be called 404. */
import type { SourceItem } from './source-item.js'

type Items = AsyncIterable<readonly SourceItem[]>

/** Those of the columns that hold numbers only, empty cells aside; asks for no more rows than it takes to know. */
export async function numericColumns(items: Items, names: readonly string[]): Promise<readonly string[]> {
  const search = new Search(names)
  for await (const chunk of items) {
    search.see(chunk)
    if (search.left.length === 0) break
  }
  return search.found
}

/** Rows with numbers in these columns, where they are not empty. A cell that is none is a problem. */
export async function* withNumbers(
  items: Items,
  names: readonly string[],
): AsyncGenerator<readonly SourceItem[], void, void> {
  for await (const chunk of items) yield names.length === 0 ? chunk : chunk.map((item) => converted(item, names))
}

/** The same for rows that come but once: the first of them say which of the columns are numbers. */
export async function* withLikelyNumbers(
  items: Items,
  names: readonly string[],
): AsyncGenerator<readonly SourceItem[], void, void> {
  let found: readonly string[] | undefined
  for await (const chunk of items) {
    if (found === undefined) {
      const search = new Search(names)
      search.see(chunk)
      found = search.found
    }
    const numeric = found
    yield numeric.length === 0 ? chunk : chunk.map((item) => converted(item, numeric))
  }
}

class Search {
  left: readonly string[]
  readonly #filled = new Set<string>()

  constructor(names: readonly string[]) {
    this.left = names
  }

  get found(): readonly string[] {
    return this.left.filter((name) => this.#filled.has(name))
  }

  see(chunk: readonly SourceItem[]): void {
    for (const item of chunk) {
      if (item.code !== undefined) continue
      const cells = item.value as Readonly<Record<string, string>>
      for (const name of this.left) {
        const cell = cells[name]
        if (cell === '') continue
        if (cell !== undefined && isNumber(cell)) this.#filled.add(name)
        else this.left = this.left.filter((other) => other !== name)
      }
      if (this.left.length === 0) return
    }
  }
}

function converted(item: SourceItem, names: readonly string[]): SourceItem {
  if (item.code !== undefined) return item
  const value: Record<string, unknown> = { ...(item.value as object) }
  for (const name of names) {
    const cell = value[name]
    if (typeof cell !== 'string' || cell === '') continue
    if (!isNumber(cell)) {
      const what = `${name}: expected a number, as in the rows before, received ${JSON.stringify(cell)}`
      return { origin: item.origin, code: 'invalid-dataset', what }
    }
    value[name] = Number(cell)
  }
  return { origin: item.origin, value }
}

function isNumber(cell: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell)
}
