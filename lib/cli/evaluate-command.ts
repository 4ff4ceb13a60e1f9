import type { Command } from 'commander'
import { loadDataset } from '../data/load-dataset.js'
import { evaluateOptions, requireMetrics, type EvaluateOptions } from '../evaluate/evaluate-options.js'
import { evaluate } from '../evaluate/evaluate.js'
import { Model } from '../models/model.js'
import { settleOptions } from '../options.js'
import { duration, percent, quantity } from './amounts.js'
import type { CommandContext } from './command-context.js'
import { addFlags, givenFlags } from './flags.js'
import { watchInterrupts } from './interruption.js'
import { dataOptions, modelFrom, modelOptions } from './run-options.js'
import { table } from './table.js'
import { required } from './train-command.js'

const { data } = dataOptions

export function addEvaluateCommand(program: Command, context: () => CommandContext): void {
  const command = program.command('evaluate').description('measure a model on rows of a file')
  addFlags(command, modelOptions)
  addFlags(command, { data })
  addFlags(command, evaluateOptions)
  command.action(async () => {
    const { terminal, json } = context()
    const asked = settleOptions(modelOptions, givenFlags(command, modelOptions))
    const files = required(settleOptions({ data }, givenFlags(command, { data })).data, 'data')
    const options = givenFlags(command, evaluateOptions) as EvaluateOptions
    // Before the model is loaded, which takes a while.
    requireMetrics(settleOptions(evaluateOptions, options).metrics)
    using interruption = watchInterrupts(() => terminal.err('\nstopping …\n'))
    await using model = await Model.load(required(asked.model, 'model'), modelFrom(asked))
    const report = await evaluate(model, await loadDataset(files), {
      ...options,
      signal: interruption.signal,
    })
    if (json) {
      terminal.out(`${JSON.stringify({ type: 'evaluation', ...report })}\n`)
      return
    }
    const rows: string[][] = []
    if (report.loss !== undefined) rows.push(['loss', report.loss.toFixed(4)])
    if (report.perplexity !== undefined) rows.push(['perplexity', report.perplexity.toFixed(2)])
    if (report.accuracy !== undefined) rows.push(['accuracy', percent(report.accuracy)])
    rows.push([
      'over',
      `${report.rows} rows, ${quantity(report.tokens)} labelled tokens, in ${duration(report.seconds)}`,
    ])
    terminal.out(table(rows))
  })
}
