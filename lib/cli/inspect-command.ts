import { Argument, type Command } from 'commander'
import { z } from 'zod'
import { readDatasetConfig } from '../data/load-dataset-config.js'
import { AttuneError } from '../errors.js'
import { inspectData, type InspectOptions } from '../inspect/inspect-data.js'
import { inspectOptions } from '../inspect/inspect-options.js'
import { inspectionPage } from '../inspect/page/inspection-page.js'
import { settleOptions, type OptionTable } from '../options.js'
import type { CommandContext } from './command-context.js'
import { describeInspection } from './describe-inspection.js'
import { exitCodes } from './exit-code.js'
import { watchedHub } from './download-report.js'
import { addFlags, givenFlags } from './flags.js'
import { watchInterrupts } from './interruption.js'
import { checkDataConfig, configOfFiles, overridesOf, readingOptions } from './reading-options.js'
import { dataOptions, modelOptions, splitOptions } from './run-options.js'
import { required } from './train-command.js'
import { writeResult } from './write-result.js'

const commandOptions = {
  model: {
    ...modelOptions.model,
    description: 'Directory of the model to train: its tokenizer and configuration are read',
  },
  tokenizer: {
    type: z.string().min(1),
    description: 'Directory of a tokenizer, where there is no model yet; without both, characters are counted',
    flag: 'directory',
  },
  task: modelOptions.task,
  labels: modelOptions.labels,
  problemType: modelOptions.problemType,
  data: { ...dataOptions.data, description: 'Files of rows; the same as naming them without a flag' },
  validation: {
    ...dataOptions.validation,
    description: 'Files to validate on, or how many of the rows (0.1: a tenth)',
  },
  report: { type: z.string().min(1), description: 'Writes the report as one page to look at', flag: 'out.html' },
} satisfies OptionTable

export function addInspectCommand(program: Command, context: () => CommandContext): void {
  const command = program
    .command('inspect')
    .description('say how data will be read and what is wrong with them, before it costs anything')
    .addArgument(new Argument('[data...]', 'files of rows'))
  addFlags(command, commandOptions)
  addFlags(command, splitOptions)
  addFlags(command, readingOptions)
  addFlags(command, inspectOptions)
  command.action(async (named: readonly string[]) => {
    const { terminal, json, exitWith } = context()
    const {
      report: page,
      data,
      validation,
      ...inspectedFor
    } = settleOptions(commandOptions, givenFlags(command, commandOptions))
    const { dataConfig, ...drawing } = settleOptions(splitOptions, givenFlags(command, splitOptions))
    const flags = givenFlags(command, readingOptions)
    const reading = settleOptions(readingOptions, flags)
    const options = settleOptions(inspectOptions, givenFlags(command, inspectOptions)) as InspectOptions
    if (named.length > 0 && data !== undefined) {
      throw new AttuneError('invalid-option', 'name the files once: as arguments, or with --data', { where: 'data' })
    }
    const paths = named.length > 0 ? named : data
    checkDataConfig(dataConfig, paths ?? validation)
    using interruption = watchInterrupts(() => terminal.err('\nstopping …\n'))
    const hub = watchedHub(terminal, interruption.signal)
    const config =
      dataConfig === undefined
        ? await configOfFiles(required(paths, 'data'), validation, { ...reading, hub })
        : await readDatasetConfig(dataConfig)
    const { splitSeed = options.seed, ...drawn } = drawing
    const overrides = dataConfig === undefined ? { ...drawn, splitSeed } : overridesOf({ ...flags, ...drawing })
    const report = await inspectData(config, {
      ...inspectedFor,
      ...options,
      ...overrides,
      hub,
      signal: interruption.signal,
    })
    if (page !== undefined) await writeResult(page, 'the report', inspectionPage(report))
    terminal.out(
      json
        ? `${JSON.stringify({ type: 'inspection', ...report })}\n`
        : describeInspection(report, { colors: terminal.colors === true }),
    )
    if (!report.trainable) exitWith(exitCodes.errorsFound)
  })
}
