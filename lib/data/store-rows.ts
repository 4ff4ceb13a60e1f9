/** Rows that come in chunks, from wherever, encoded into a token store: in memory is a chunk, however many rows there are. */
import type { Task } from '../task.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import type { TaskOptions } from './encode-for-task.js'
import type { DataFinding } from './encoded-task.js'
import { nothingCut } from './length-counts.js'
import { encodeStorable } from './storable-examples.js'
import type { TokenStoreWriter, TokenSummary } from './token-store.js'

export interface StoreRowsOptions {
  readonly task: Task
  readonly tokenizer: Tokenizer
  /** Names of labels have to be among them: a chunk does not know those of the others. */
  readonly taskOptions: TaskOptions<Task>
  readonly signal?: AbortSignal | undefined
  /** Called with how many rows are done. */
  readonly onRows?: ((rows: number) => void) | undefined
}

/**
 * Encodes chunk after chunk, for `cachedTokens`. An example's `row` counts from the first row of all.
 * @returns what was counted in all chunks
 * @throws AttuneError as the task's encoder does, of the first chunk in which something is wrong
 */
export async function storeRows(
  writer: TokenStoreWriter,
  chunks: AsyncIterable<Dataset> | Iterable<Dataset>,
  { task, tokenizer, taskOptions, signal, onRows }: StoreRowsOptions,
): Promise<TokenSummary> {
  let totals: Counted = { tokens: 0, targets: 0, ...nothingCut }
  const findings: DataFinding[] = []
  let rows = 0
  for await (const chunk of chunks) {
    const { examples, summary } = await encodeStorable(task, chunk, tokenizer, { ...taskOptions, signal })
    const first = rows
    await writer.add(examples.map((example) => ({ ...example, row: first + example.row })))
    rows += chunk.length
    onRows?.(rows)
    totals = added(totals, summary)
    for (const finding of summary.findings) if (findings.length < findingsKept) findings.push(finding)
  }
  return { ...totals, findings }
}

type Counted = Omit<TokenSummary, 'findings'>

function added(totals: Counted, summary: Counted): Counted {
  const names = Object.keys(totals) as (keyof Counted)[]
  return Object.fromEntries(names.map((name) => [name, totals[name] + summary[name]])) as unknown as Counted
}

// A finding in every chunk would be told thousands of times.
const findingsKept = 20
