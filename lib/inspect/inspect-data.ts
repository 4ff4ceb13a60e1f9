import { requireNotAborted } from '../abort.js'
import type { DatasetConfig } from '../data/dataset-config.js'
import { requireWindows } from '../data/encoding-options.js'
import type { LoadDatasetOptions } from '../data/load-dataset.js'
import { longestRow } from '../data/prepare-data.js'
import type { LossOn } from '../data/row-encoders.js'
import type { ShapeName } from '../data/rows.js'
import { DataInspection, type CheckSettings } from './data-inspection.js'
import { ExampleShow } from './example-show.js'
import { FieldCheck } from './field-check.js'
import { forRows, openModel, type InspectedForOptions, type OpenedModel } from './inspected-for.js'
import { inspectedSources, type InspectedData } from './inspected-sources.js'
import type { InspectedFile, InspectionReport } from './inspection-report.js'
import type { Part } from './label-book.js'
import type { TruncationPolicy } from './length-check.js'
import { readSources, readWhole, type InspectedRows, type RowChunk } from './read-rows.js'
import { reportOf } from './report-of.js'

export interface InspectOptions
  extends
    InspectedForOptions,
    LoadDatasetOptions,
    Pick<DatasetConfig, 'stratify' | 'groupBy' | 'orderBy' | 'splitSeed'> {
  /** Rows to validate on, or how many of the rows (0.1: a tenth) training would take for that. Default: none, or the config's. */
  readonly validation?: InspectedRows | number | undefined
  /** Decides which rows are taken for validation where splitSeed does not, as in training; not of a config. Default: 0. */
  readonly seed?: number | undefined
  /** The most tokens of an example. Default: what the model takes. */
  readonly maxLength?: number | undefined
  /** Of a target. Default: `maxLength`. */
  readonly maxTargetLength?: number | undefined
  /** What is to happen to longer rows. Default: 'error'. */
  readonly truncation?: TruncationPolicy | undefined
  /** Which tokens carry the loss of a causal model. Default: completions, assistant turns, or all of a plain text. */
  readonly lossOn?: LossOn | undefined
  /** Tokens that windows share, with truncation 'window' or of question answering. Default: as in training. */
  readonly stride?: number | undefined
  /** How many examples are given as the model reads them. Default: 0. */
  readonly show?: number | undefined
  /** Told now and then how many rows have been read. */
  readonly onProgress?: ((rows: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads data as training would, and says how they will be read and what is wrong with them. Files are read in one pass, in
 * little memory; only a share for validation (`validation: 0.1`) needs all rows at once. Of a config the options say only what
 * wins over it; its test rows are read, and not looked at further.
 * @throws AttuneError 'file-not-found', 'invalid-option', 'invalid-tokenizer', 'aborted'; what is wrong with the data is told
 */
export async function inspectData(data: InspectedData, options: InspectOptions = {}): Promise<InspectionReport> {
  const started = performance.now()
  const opened = await openModel(options)
  const inspection = new DataInspection((shape) => settingsFor(opened, shape, options))
  const fields = new FieldCheck()
  const show = new ExampleShow(options.show ?? 0)
  const files = new Map<string, InspectedFile>()
  let testRows = 0
  for await (const { part, file, rows, unreadable, read } of partsOf(data, options)) {
    requireNotAborted(options.signal, 'inspecting was aborted')
    const { rows: before = 0, unreadable: bad = 0 } = files.get(file) ?? {}
    files.set(file, { path: file, rows: before + read, unreadable: bad + unreadable.length })
    inspection.noteUnreadable(unreadable)
    if (part === 'test') {
      testRows += rows.length
      continue
    }
    if (part === 'train') fields.addRows(file, rows)
    await inspection.add(rows, part)
    // What they are checked for is known from the first rows on.
    if (part === 'train' && rows.length > 0) await show.add(rows, inspection.settings)
    options.onProgress?.(inspection.rows + inspection.validationRows)
  }
  const seconds = (performance.now() - started) / 1000
  return reportOf(inspection, {
    files: [...files.values()].filter(({ path, rows }) => path !== '' || rows > 0),
    testRows,
    fields,
    examples: show.examples,
    seconds,
  })
}

function settingsFor(opened: OpenedModel, shape: ShapeName | undefined, options: InspectOptions): CheckSettings {
  const suited = forRows(opened, shape, options)
  const { lossOn, maxTargetLength, truncation = 'error', stride, signal } = options
  // Training would refuse what does not fit the task.
  requireWindows({ truncation, stride, maxLength: options.maxLength }, suited.task)
  const limit = longestRow(suited.task, suited.maxPositions ?? Infinity, options.maxLength)
  const maxLength = limit === Infinity ? undefined : limit
  return { ...suited, lossOn, maxLength, maxTargetLength, truncation, stride, signal }
}

interface PartChunk extends RowChunk {
  readonly part: Part | 'test'
  /** Rows that the file gave. */
  readonly read: number
}

/** Training rows, then those to validate on and those to test on. */
async function* partsOf(data: InspectedData, options: InspectOptions): AsyncGenerator<PartChunk, void, void> {
  const { train, drawing, ...held } = await inspectedSources(data, options)
  const { validation, test } = held
  const drawn = typeof validation === 'number' || typeof test === 'number'
  const { rows, chunks } = drawn ? await readWhole(train) : { rows: undefined, chunks: readSources(train) }
  for await (const chunk of chunks) {
    const read = chunk.rows.length
    yield { ...chunk, part: 'train', rows: drawn ? chunk.rows.slice(0, 0) : chunk.rows, read }
  }
  const split = rows?.split({
    ...drawing,
    validation: typeof validation === 'number' ? validation : 0,
    test: typeof test === 'number' ? test : 0,
  })
  for (const part of ['train', 'validation', 'test'] as const) {
    const own = part === 'train' ? 0 : held[part]
    const isDrawn = typeof own === 'number'
    const sources = !isDrawn ? own : split === undefined ? [] : [{ rows: split[part], options }]
    for await (const chunk of readSources(sources)) yield { ...chunk, part, read: isDrawn ? 0 : chunk.rows.length }
  }
}
