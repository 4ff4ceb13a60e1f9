import { Dataset } from '../data/dataset.js'
import type { PlaceInRow } from '../data/example.js'
import { lengthCounts } from '../data/length-counts.js'
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { settleOptions, type Settled } from '../options.js'
import type { GenerateOptions } from '../generate/generate-options.js'
import { describeData, describeModel, describeRun } from './describe-evaluation.js'
import { evaluateOptions, type EvaluateOptions } from './evaluate-options.js'
import { measuredRows } from './measure-examples.js'
import { settleMetrics, type SettledMetrics } from './metric-names.js'
import type { MetricContext } from './metric-options.js'
import type { TrainingData } from '../data/prepare-data.js'
import { prepareExamples, type PreparedExamples } from './prepare-examples.js'
import { fewShotPrompt, promptsOf, shotEnd, type PromptedRow } from './prompts.js'
import { RecordBook } from './record-book.js'
import type {
  BaselineName,
  BaselineReport,
  EvaluationRecord,
  EvaluationReport,
  EvaluationWarning,
  RecordPlace,
} from './report.js'
import { ScoredSystem } from './scored-system.js'
import { withMeasure } from './tasks/index.js'
import { labelsOf, type MeasuredRow, type TaskMeasure } from './tasks/task-measure.js'
import { textsMeasure, type TextsRow } from './tasks/texts.js'
import { requireBaselines, untunedOf } from './untuned-model.js'
import { writtenTexts } from './written-texts.js'

type SettledEvaluateOptions = Settled<typeof evaluateOptions>

/**
 * Measures a model on rows, without dropout, and baselines beside it. Metrics hold counts and scores while the rows stream
 * through, never logits over a vocabulary.
 * @throws AttuneError 'invalid-option' (a metric that does not fit the task), 'empty-dataset', 'all-labels-masked',
 * 'sequence-too-long', 'unknown-label', 'invalid-dataset', 'aborted'
 */
export async function evaluate(
  model: Model,
  data: TrainingData,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  const start = performance.now()
  const settled = settleOptions(evaluateOptions, options)
  const { definition } = model
  const metrics = settleMetrics(settled.metrics, settled.generate, definition)
  const report = await withMeasure(definition, async (measure) => {
    requireBaselines(settled, model, measure)
    const prepared = await prepareExamples(data, model, settled)
    return new Evaluation({ model, data, measure, prepared, options: settled, metrics }).report()
  })
  const run = describeRun(options, start)
  const { metrics: measured, targets } = report
  const kind = { task: model.task, problemType: model.problemType }
  const tokens = definition.head.kind === 'vocabulary' ? { tokens: targets } : {}
  const whole = { ...kind, ...measured, ...report, ...tokens, seconds: run.seconds, run }
  // Each task's own measure made its part: that they fit together is not something the compiler can follow.
  return whole as unknown as EvaluationReport
}

/** What the measures make; the rest says what was measured and how. */
type UnfinishedReport = Omit<EvaluationReport, 'task' | 'problemType' | 'seconds' | 'run'>

interface EvaluationParts<Row extends MeasuredRow, Details extends object, Record_ extends object> {
  readonly model: Model
  readonly data: TrainingData
  readonly measure: TaskMeasure<Row, Details, Record_>
  readonly prepared: PreparedExamples
  readonly options: SettledEvaluateOptions
  readonly metrics: SettledMetrics
}

/** One evaluation: the model and its baselines over the same rows. */
class Evaluation<Row extends MeasuredRow, Details extends object, Record_ extends object> {
  readonly #parts: EvaluationParts<Row, Details, Record_>
  readonly #context: MetricContext

  constructor(parts: EvaluationParts<Row, Details, Record_>) {
    this.#parts = parts
    this.#context = { labels: parts.model.labels, options: parts.options }
  }

  async report(): Promise<UnfinishedReport> {
    const { model, data, measure, prepared, options } = this.#parts
    const { labels } = model
    const majority = await this.#majority()
    const tuned = this.#system()
    const constant = this.#system()
    const details = measure.details(this.#context)
    const keepRecords = options.records || options.customMetrics !== undefined
    const book = new RecordBook(measure, this.#context, prepared, keepRecords)
    const counts = labels.map(() => 0)
    let targets = 0
    for await (const batch of this.#rowsOf(model, true)) {
      for (const placed of batch.rows) {
        tuned.add(placed.row)
        details.add(placed.row)
        book.add(placed)
        measure.countLabels?.(placed.row, counts)
        if (majority !== undefined) constant.add(majority(placed.row))
      }
      targets += batch.targets
    }
    const records = book.all
    const written = await this.#written(model, records)
    const untuned = await this.#untuned()
    const fewShot = await this.#fewShot()
    const metrics = { ...tuned.values(), ...written?.values() }
    const source = options.train === undefined ? 'these rows' : 'the training rows'
    const baselines: Partial<Record<BaselineName, BaselineReport>> = {
      ...(majority && {
        majority: await this.#beside(`knows how often labels occur in ${source}, nothing else`, [[tuned, constant]]),
      }),
      ...(untuned && {
        untuned: await this.#beside(this.#untunedDescription(), [
          [tuned, untuned.system],
          [written, untuned.written],
        ]),
      }),
      ...(fewShot && {
        'few-shot': await this.#beside(
          `the untuned model, ${options.fewShot?.count} solved examples before each prompt`,
          [[written, fewShot]],
        ),
      }),
    }
    const custom = Object.entries(options.customMetrics ?? {}).map(
      ([name, of]) => [name, of((records ?? []) as unknown as readonly EvaluationRecord[])] as const,
    )
    return {
      metrics,
      ...(options.confidence !== undefined && { intervals: await this.#intervals([tuned, written]) }),
      ...(custom.length > 0 && { custom: Object.fromEntries(custom) as Record<string, number | object> }),
      details: details.value(),
      baselines,
      warnings: this.#warnings(metrics, measure.countLabels === undefined ? [] : counts),
      rows: new Set(Int32Array.from(prepared.examples, ({ row }) => row)).size,
      targets,
      ...lengthCounts(prepared),
      ...(options.records && records !== undefined && { records }),
      worst: book.worst,
      model: describeModel(model),
      data: describeData(data, labels, measure.countLabels === undefined ? [] : counts),
    } as unknown as UnfinishedReport
  }

  #system(): ScoredSystem<Row> {
    const { measure, metrics, options } = this.#parts
    return new ScoredSystem(measure, metrics.task, this.#context, options.confidence !== undefined)
  }

  #rowsOf(model: Model, isMain: boolean) {
    const { measure, prepared, options } = this.#parts
    const { tokensPerBatch, signal, onProgress } = options
    const { examples, rows } = prepared
    const ofRows = examples.length
    const onBatch =
      isMain && onProgress !== undefined ? (done: number) => onProgress({ rows: done, ofRows }) : undefined
    const source = { definition: model.definition, examples, rows, context: this.#context }
    return measuredRows(model, measure, source, { tokensPerBatch, signal, onBatch })
  }

  /** What one says who knows the labels' frequencies only. */
  async #majority(): Promise<((row: Row) => Row) | undefined> {
    const { model, measure, prepared, options } = this.#parts
    const isWanted = options.baselines?.includes('majority') ?? true
    if (!isWanted || measure.constant === undefined) return undefined
    const { examples } =
      options.train === undefined ? prepared : await prepareExamples(options.train, model, options, 'options.train')
    // A row counts once, however many windows it has; those of a tagger have labels of their own.
    const isCounted = ({ window = 0 }: PlaceInRow): boolean => model.task !== 'sequence-classification' || window === 0
    return measure.constant([...examples].filter(isCounted).map(labelsOf), this.#context)
  }

  async #untuned(): Promise<{ system: ScoredSystem<Row>; written: ScoredSystem<TextsRow> | undefined } | undefined> {
    const { options, model } = this.#parts
    const isWanted = options.baselines?.includes('untuned') ?? true
    if (!isWanted || untunedOf(options, model) === undefined) return undefined
    return this.#withUntuned(async (untuned) => {
      const system = this.#system()
      for await (const { rows } of this.#rowsOf(untuned, false)) for (const { row } of rows) system.add(row)
      return { system, written: await this.#written(untuned) }
    })
  }

  async #fewShot(): Promise<ScoredSystem<TextsRow> | undefined> {
    const { options, metrics } = this.#parts
    const { fewShot, prefix, generation } = options
    if (fewShot === undefined || metrics.texts.length === 0) return undefined
    const shots = promptsOf(fewShot.examples.slice(0, fewShot.count), prefix)
    const rows = this.#prompts().map((row) => ({ ...row, prompt: fewShotPrompt(shots, row) }))
    const isChat = typeof rows[0]?.prompt !== 'string'
    const stop = isChat ? [] : [shotEnd]
    return this.#withUntuned((untuned) =>
      this.#score(untuned, rows, { ...generationOf(options), stop: [...[generation?.stop ?? []].flat(), ...stop] }),
    )
  }

  /** With the untuned model; the model itself where there is no other. */
  #withUntuned<Result>(work: (model: Model) => Promise<Result>): Promise<Result> {
    const { options, model } = this.#parts
    if (options.untuned !== undefined) return work(options.untuned)
    return model.adapter === undefined ? work(model) : model.withoutAdapter(() => work(model))
  }

  #untunedDescription(): string {
    const { options, model } = this.#parts
    const head = model.initialized.length > 0 ? '; its new head is random' : ''
    return options.untuned === undefined ? `the model without its adapter${head}` : 'the model before it was tuned'
  }

  /** What the model writes, where that is measured. */
  async #written(
    model: Model,
    records?: readonly (RecordPlace & { generated?: unknown })[],
  ): Promise<ScoredSystem<TextsRow> | undefined> {
    const { metrics, options } = this.#parts
    if (metrics.texts.length === 0) return undefined
    const byRow = new Map(records?.map((record) => [record.row, record]))
    return this.#score(model, this.#prompts(), generationOf(options), ({ prompt, prediction, reference }, row) => {
      const record = byRow.get(row)
      if (record === undefined) return
      const exactMatch = prediction.trim() === reference.trim()
      record.generated = { prompt, prediction, reference, exactMatch }
    })
  }

  async #score(
    model: Model,
    rows: readonly PromptedRow[],
    generation: NonNullable<SettledEvaluateOptions['generation']>,
    visit?: (text: TextsRow, row: number) => void,
  ): Promise<ScoredSystem<TextsRow>> {
    const { metrics, options } = this.#parts
    const system = new ScoredSystem(textsMeasure, metrics.texts, this.#context, options.confidence !== undefined)
    let at = 0
    for await (const text of writtenTexts(model, rows, { generation, signal: options.signal })) {
      system.add(text)
      visit?.(text, at++)
    }
    return system
  }

  #prompts(): PromptedRow[] {
    const { data, options } = this.#parts
    if (data instanceof Dataset) return promptsOf(data, options.prefix)
    const message = 'what a model writes is measured on a Dataset: encoded rows do not say where the prompt ends'
    throw new AttuneError('invalid-dataset', message, { where: 'data' })
  }

  async #intervals(
    systems: readonly (ScoredSystem<Row> | ScoredSystem<TextsRow> | undefined)[],
  ): Promise<Record<string, unknown>> {
    const { signal } = this.#parts.options
    const intervals: Record<string, unknown> = {}
    for (const system of systems) Object.assign(intervals, await system?.intervals(this.#bootstrap, signal))
    return intervals
  }

  /** The baseline's numbers, and how sure the difference is. */
  async #beside(
    description: string,
    pairs: readonly (
      | readonly [ScoredSystem<Row>, ScoredSystem<Row>]
      | readonly [ScoredSystem<TextsRow> | undefined, ScoredSystem<TextsRow> | undefined]
    )[],
  ): Promise<BaselineReport> {
    const { confidence, signal } = this.#parts.options
    const metrics: Record<string, number> = {}
    const comparisons: Record<string, unknown> = {}
    let test: BaselineReport['mcnemar']
    for (const pair of pairs) {
      const [tuned, baseline] = pair as readonly [ScoredSystem<Row> | undefined, ScoredSystem<Row> | undefined]
      if (tuned === undefined || baseline === undefined) continue
      Object.assign(metrics, baseline.values())
      test = tuned.mcnemar(baseline) ?? test
      if (confidence !== undefined) {
        Object.assign(comparisons, await tuned.comparisons(baseline, this.#bootstrap, signal))
      }
    }
    return {
      description,
      metrics,
      ...(confidence !== undefined && { comparisons: comparisons as NonNullable<BaselineReport['comparisons']> }),
      ...(test !== undefined && { mcnemar: test }),
    }
  }

  get #bootstrap() {
    const { confidence, resamples, seed } = this.#parts.options
    return { confidence, resamples, seed }
  }

  #warnings(metrics: Readonly<Record<string, number>>, counts: readonly number[]): EvaluationWarning[] {
    const { model, prepared } = this.#parts
    const absent = model.labels.filter((_, label) => counts[label] === 0)
    const undefinedOnes = Object.keys(metrics).filter((name) => Number.isNaN(metrics[name]))
    return [
      ...prepared.findings.map(({ code, message }) => ({ code, message })),
      ...absent.map((label) => ({
        code: 'class-absent-from-validation' as const,
        message: `no row of the data has the label '${label}': nothing is said of it`,
      })),
      ...undefinedOnes.map((name) => ({
        code: 'undefined-metric' as const,
        message: `${name} is undefined on these rows`,
      })),
    ]
  }
}

/** What a model writes is asked for in the form that it is measured in. */
function generationOf({ chatTemplate, templateVariables, generation }: SettledEvaluateOptions): GenerateOptions {
  return { chatTemplate, templateVariables, ...generation }
}
