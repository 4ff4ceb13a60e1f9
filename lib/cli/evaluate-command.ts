import type { Command } from 'commander'
import { z } from 'zod'
import { evaluateOptions, type EvaluateOptions } from '../evaluate/evaluate-options.js'
import { evaluate } from '../evaluate/evaluate.js'
import { reportPage } from '../evaluate/page/report-page.js'
import type { LoadOptions } from '../models/model-options.js'
import { generateOptions } from '../generate/generate-options.js'
import { Model } from '../models/model.js'
import { omit, settleOptions, type OptionTable } from '../options.js'
import type { CommandContext } from './command-context.js'
import { watchedHub } from './download-report.js'
import { encodingReport } from './encoding-report.js'
import { describeEvaluation } from './evaluation-report.js'
import { addFlags, givenFlags } from './flags.js'
import { watchInterrupts } from './interruption.js'
import {
  checkDataConfig,
  overridesOf,
  readConfiguredTestRows,
  readingOf,
  readingOptions,
  readRows,
  readTestRows,
} from './reading-options.js'
import { dataOptions, modelFrom, modelOptions, splitOptions } from './run-options.js'
import { required } from './train-command.js'
import { writeResult } from './write-result.js'

const fileOptions = {
  data: dataOptions.data,
  dataConfig: {
    ...splitOptions.dataConfig,
    description: 'File that says where the rows are: those under test are measured on, else those under validation',
  },
  train: {
    ...dataOptions.data,
    description: 'Files of training rows: the majority is taken from them, and solved examples',
  },
  fewShot: {
    type: z.int().min(1),
    description:
      'Solved examples that the untuned model sees before each prompt, as a baseline; they come from --train',
  },
  untuned: {
    type: z.string().min(1),
    description: 'Directory of the model before it was tuned, as a baseline; absent: the model without its adapter',
    flag: 'directory',
  },
  maxNewTokens: { ...generateOptions.maxNewTokens, description: 'New tokens that a language model writes at most' },
  records: { type: z.string().min(1), description: 'Writes each row with what was predicted', flag: 'out.jsonl' },
  report: { type: z.string().min(1), description: 'Writes the report as one page to look at', flag: 'out.html' },
} satisfies OptionTable

const verbOptions: OptionTable = omit(evaluateOptions, 'train', 'fewShot', 'untuned', 'records')

export function addEvaluateCommand(program: Command, context: () => CommandContext): void {
  const command = program.command('evaluate').description('measure a model on rows of a file')
  addFlags(command, modelOptions)
  addFlags(command, fileOptions)
  addFlags(command, readingOptions)
  addFlags(command, verbOptions)
  command.action(async () => {
    const { terminal, json } = context()
    const asked = settleOptions(modelOptions, givenFlags(command, modelOptions))
    const { fewShot, maxNewTokens, ...files } = settleOptions(fileOptions, givenFlags(command, fileOptions))
    checkDataConfig(files.dataConfig, files.data)
    if (files.dataConfig === undefined) required(files.data, 'data')
    const options = givenFlags(command, verbOptions) as EvaluateOptions
    const settled = settleOptions(verbOptions, options)
    if (fewShot !== undefined) required(files.train, 'train')
    using interruption = watchInterrupts(() => terminal.err('\nstopping …\n'))
    const hub = watchedHub(terminal, interruption.signal)
    const flags = givenFlags(command, readingOptions)
    const reading = { ...settleOptions(readingOptions, flags), hub }
    const data =
      files.dataConfig === undefined
        ? await readTestRows(required(files.data, 'data'), reading, terminal)
        : await readConfiguredTestRows({ config: files.dataConfig, overrides: overridesOf(flags), hub }, terminal)
    const train =
      files.train === undefined
        ? undefined
        : await readRows(files.train, { ...readingOf(files.train, reading), split: undefined }, terminal)
    await using model = await Model.load(required(asked.model, 'model'), modelFrom(asked, hub))
    const { dtype, device, threads } = asked
    await using untuned =
      files.untuned === undefined
        ? undefined
        : await Model.load(files.untuned, { dtype, device, threads, hub, ...sameTask(model) })
    const report = await evaluate(model, data, {
      ...options,
      metrics: settled.metrics as EvaluateOptions['metrics'],
      train,
      generation: { maxNewTokens },
      fewShot: fewShot === undefined || train === undefined ? undefined : { examples: train, count: fewShot },
      untuned,
      records: files.records !== undefined,
      signal: interruption.signal,
      ...(json ? {} : { onEncoding: encodingReport(terminal) }),
    })
    const { records = [], ...summary } = report
    if (files.records !== undefined) {
      await writeResult(files.records, 'the records', records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    }
    if (files.report !== undefined) await writeResult(files.report, 'the report', reportPage(summary))
    terminal.out(json ? `${JSON.stringify({ type: 'evaluation', ...summary })}\n` : describeEvaluation(summary))
  })
}

/** The untuned directory may not say what the tuned one was tuned for. */
function sameTask({ task, problemType, labels }: Model): LoadOptions {
  return { task, ...(problemType !== undefined && { problemType }), ...(labels.length > 0 && { labels: [...labels] }) }
}
