import { Argument, type Command } from 'commander'
import { dirname, join } from 'node:path'
import { datasetFrom, type DatasetOverrides } from '../data/config-sources.js'
import { Dataset } from '../data/dataset.js'
import { labelsOfDataset } from '../data/encode-sequence-classification.js'
import type { TrainingData } from '../data/prepare-data.js'
import { RowStream } from '../data/row-stream.js'
import { AttuneError } from '../errors.js'
import type { HubOptions } from '../hub/hub-options.js'
import { readJsonObject } from '../models/json-file.js'
import { Model } from '../models/model.js'
import { configDirectory } from '../models/model-source.js'
import type { LoadOptions } from '../models/model-options.js'
import { omit, settleOptions, type OptionTable, type Settled } from '../options.js'
import { suggestion } from '../nearest.js'
import { plan } from '../train/plan.js'
import { planOptions } from '../train/plan-options.js'
import { trainOptions, type TrainOptions } from '../train/train-options.js'
import { Trainer } from '../train/trainer.js'
import { adapterOf, addAdapterFlags } from './adapter-flags.js'
import type { CommandContext } from './command-context.js'
import { fromConfig, modelFromConfig, readConfigFile } from '../config-file.js'
import { watchedHub } from './download-report.js'
import { encodingReport } from './encoding-report.js'
import { addFlags, givenFlags } from './flags.js'
import { watchInterrupts } from './interruption.js'
import { describePlan } from './plan-report.js'
import {
  checkDataConfig,
  overridesOf,
  readConfiguredRows,
  readingOptions,
  readTrainingRows,
  type ReadingOptions,
} from './reading-options.js'
import { dataOptions, modelFrom, modelOptions, splitOptions } from './run-options.js'
import type { Terminal } from './terminal.js'
import { streamingOptions, streamRows } from './streamed-rows.js'
import { barReport, jsonReport, lineReport } from './training-report.js'

// `validation` names files here and is rows in the API.
const plainOptions = omit(trainOptions, 'train', 'validation', 'adapter', 'tokenizer')

interface TrainingJob {
  readonly model: string
  readonly modelOptions: LoadOptions
  readonly data: readonly string[]
  readonly validation: number | readonly string[] | undefined
  readonly reading: ReadingOptions
  readonly split: Settled<typeof splitOptions>
  /** What wins over the config of the data. */
  readonly overrides: DatasetOverrides
  readonly streaming: boolean
  readonly options: Omit<TrainOptions, 'train' | 'validation'>
}

interface LoadedRows {
  readonly train: Dataset | RowStream
  readonly validation: TrainingData | undefined
}

export function addTrainCommand(program: Command, context: () => CommandContext): void {
  const command = withTrainFlags(program.command('train').description('fine-tune a model on rows of a file'))
  command.action(async (config: string | undefined) => train(await readJob(command, config), context()))
}

export function addPlanCommand(program: Command, context: () => CommandContext): void {
  const command = withTrainFlags(
    program.command('plan').description('say what a training run would do and need, without training'),
  )
  addFlags(command, planOptions)
  command.action(async (config: string | undefined) => {
    const { terminal, json } = context()
    const { measure } = settleOptions(planOptions, givenFlags(command, planOptions))
    const job = await readJob(command, config)
    using interruption = watchInterrupts(() => terminal.err('\nstopping …\n'))
    const hub = watchedHub(terminal, interruption.signal)
    const rows = await loadRows(job, hub, terminal)
    await using model = await loadModel(job, hub, rows)
    // Measuring takes seconds, and ends with the process.
    interruption[Symbol.dispose]()
    const planned = await plan(model, rows.train, { ...job.options, validation: rows.validation, measure })
    terminal.out(json ? `${JSON.stringify({ type: 'plan', ...planned })}\n` : describePlan(planned))
  })
}

function withTrainFlags(command: Command): Command {
  command.addArgument(new Argument('[config]', 'file with the options, by the names of the API; flags win over it'))
  addFlags(command, modelOptions)
  addFlags(command, dataOptions)
  addFlags(command, splitOptions)
  addFlags(command, readingOptions)
  addFlags(command, streamingOptions)
  addFlags(command, plainOptions)
  addAdapterFlags(command)
  return command
}

async function readJob(command: Command, config: string | undefined): Promise<TrainingJob> {
  const file = config === undefined ? {} : await readConfigFile(config)
  const tables = [modelOptions, dataOptions, splitOptions, readingOptions, streamingOptions, plainOptions]
  const known = [...tables.flatMap((table) => Object.keys(table)), 'adapter']
  for (const key of Object.keys(file)) {
    if (!known.includes(key)) {
      throw new AttuneError('invalid-option', `${config}: ${key} is no option.${suggestion(key, known)}`, {
        where: `options.${key}`,
      })
    }
  }
  const given = (table: OptionTable) => ({ ...pick(file, table), ...givenFlags(command, table) })
  const settled = <Table extends OptionTable>(table: Table) => settleOptions(table, given(table))
  const asked = settled(modelOptions)
  const { model, adapterFrom } = asked
  const { data, validation } = settled(dataOptions)
  const { dataConfig: configOfData, ...split } = settled(splitOptions)
  const inFile = (key: string, path: string): string => (givesFlag(command, key) ? path : fromConfig(config, path))
  const rows = (key: string, path: string): string =>
    config === undefined || givesFlag(command, key) ? path : datasetFrom(dirname(config), path)
  const source = (key: string, name: string): string => (givesFlag(command, key) ? name : modelFromConfig(config, name))
  checkDataConfig(configOfData, data ?? validation)
  const dataConfig = configOfData === undefined ? undefined : inFile('dataConfig', configOfData)
  const options = given(plainOptions) as Omit<TrainOptions, 'train'>
  // Before the model is loaded, which takes a while.
  settleOptions(plainOptions, options)
  const adapter = adapterOf(command, file.adapter)
  const output = options.output === undefined ? {} : { output: inFile('output', options.output) }
  return {
    model: source('model', required(model, 'model')),
    modelOptions: modelFrom({
      ...asked,
      adapterFrom: adapterFrom === undefined ? undefined : source('adapterFrom', adapterFrom),
    }),
    data: (dataConfig === undefined ? required(data, 'data') : []).map((path) => rows('data', path)),
    validation: Array.isArray(validation) ? validation.map((path) => rows('validation', path)) : validation,
    reading: settled(readingOptions),
    streaming: settled(streamingOptions).streaming,
    split: { ...split, dataConfig },
    overrides: overridesOf(given({ ...readingOptions, ...omit(splitOptions, 'dataConfig') })),
    options: { ...options, ...output, ...(adapter === undefined ? {} : { adapter }) },
  }
}

/** A classifier's labels are those of the rows, where neither the command nor the model's directory names any. */
async function loadModel(
  { model, modelOptions }: TrainingJob,
  hub: HubOptions,
  { train, validation }: LoadedRows,
): Promise<Model> {
  const options = { ...modelOptions, hub }
  const { task, labels, problemType, adapter } = options
  const classifies = task === 'sequence-classification' || task === 'token-classification'
  if (!classifies || labels !== undefined || problemType === 'regression' || adapter !== undefined) {
    return Model.load(model, options)
  }
  const { id2label } = await readJsonObject(join(await configDirectory(model, options), 'config.json'))
  const stored = Object.values((id2label ?? {}) as Record<string, unknown>)
  if (train instanceof RowStream) {
    if (stored.some((name) => !/^LABEL_\d+$/.test(String(name)))) return Model.load(model, options)
    const message = 'options.labels is missing: with streaming the rows cannot be asked for the labels there are'
    throw new AttuneError('invalid-option', message, { where: 'options.labels' })
  }
  // What only validation rows have is warned of, and rightly counts as missed.
  const names = labelsOfDataset(train, ...(validation instanceof Dataset ? [validation] : []))
  const several = train.shape === 'text-labels'
  // Numbers to predict have no names, and neither have lists of 0 and 1.
  const nameless = names.length < 2 || names.some((name) => name.includes('.') || (several && /^\d+$/.test(name)))
  if (nameless || stored.some((name) => !/^LABEL_\d+$/.test(String(name)))) return Model.load(model, options)
  const type = several ? { problemType: problemType ?? ('multi_label_classification' as const) } : {}
  return Model.load(model, { ...options, ...type, labels: names })
}

async function loadRows(
  { data, validation, reading, split, overrides, streaming, options }: TrainingJob,
  hub: HubOptions,
  terminal: Terminal,
): Promise<LoadedRows> {
  const { dataConfig, splitSeed, ...drawing } = split
  if (streaming) return streamRows({ data, validation, dataConfig, reading: { ...reading, hub }, terminal })
  if (dataConfig !== undefined) return readConfiguredRows({ config: dataConfig, overrides, hub }, terminal)
  return readTrainingRows(data, validation, {
    reading: { ...reading, hub },
    drawing,
    seed: splitSeed ?? options.seed,
    terminal,
  })
}

async function train(job: TrainingJob, { terminal, json }: CommandContext): Promise<void> {
  using interruption = watchInterrupts(() => terminal.err('\nstopping after this step and saving …\n'))
  const hub = watchedHub(terminal, interruption.signal)
  const rows = await loadRows(job, hub, terminal)
  await using model = await loadModel(job, hub, rows)
  const progress = json ? {} : { onEncoding: encodingReport(terminal) }
  const trainer = new Trainer(model, { ...job.options, ...rows, ...progress })
  const report = json ? jsonReport(terminal) : terminal.interactive ? barReport(terminal) : lineReport(terminal)
  for await (const event of trainer.run({ signal: interruption.signal })) report(event)
}

function pick(values: Readonly<Record<string, unknown>>, table: OptionTable): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(table, key)))
}

function givesFlag(command: Command, key: string): boolean {
  return command.getOptionValueSource(key) === 'cli'
}

export function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value
  throw new AttuneError('invalid-option', `--${name} is missing`, { where: `options.${name}` })
}
