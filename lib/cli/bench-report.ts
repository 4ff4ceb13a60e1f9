/** What a benchmark found out as a table of 80 columns, and the step by op below it. */
import type { BenchResult, MeasuredTraining, MeasuredWork, Seconds, StepProfile } from '../bench/bench-result.js'
import { phases } from '../profile/phases.js'
import { bytes, moment, operations, percent, quantity } from './amounts.js'
import { table } from './table.js'

export function describeBench(result: BenchResult): string {
  const { modelType, task, problemType, dtype, parameters, device, hardware, threads, peak } = result
  const { training, evaluation, profile } = result
  const kind = problemType === undefined || problemType === 'single_label_classification' ? '' : ` (${problemType})`
  const trained = `${quantity(parameters.trained)} of ${quantity(parameters.total)} parameters`
  const rows: [string, string][] = [
    ['model', `${modelType}, ${dtype}`],
    ['task', `${task}${kind}`],
    ['trained', `${trained} (${percent(parameters.trained / parameters.total)})`],
    ['batch', batchOf(result)],
    device === 'cuda' ? ['gpu', hardware] : ['processor', `${hardware}, ${threads} thread${threads === 1 ? '' : 's'}`],
    ['  peak', `${operations(peak)}/s in ${device === 'cuda' ? 'bfloat16 products' : 'float32 multiply-adds'}`],
    ['training', `${speed(training)}, ${spread(training.seconds, 'step')}`],
    ['  work', workOf(training)],
    ['evaluation', `${speed(evaluation)}, ${spread(evaluation.seconds, 'pass')}`],
    ['  work', workOf(evaluation)],
    ...generationRows(result),
    ...memoryRows(training),
  ]
  return `${table(rows)}${profile === undefined ? '' : `\n${describeProfile(profile)}`}`
}

function batchOf({ batch: { rows, length, targetLength } }: BenchResult): string {
  const target = targetLength === undefined ? '' : `, and of ${targetLength} to write`
  return `${rows} row${rows === 1 ? '' : 's'} of ${length} tokens${target}`
}

function speed({ tokensPerSecond }: MeasuredWork): string {
  return `${quantity(tokensPerSecond)} tokens/s`
}

function spread({ median, fastest, slowest, times }: Seconds, what: 'step' | 'pass'): string {
  const most = times === 1 ? '' : ` (${moment(fastest)} to ${moment(slowest)}, ${times} times)`
  return `${moment(median)} a ${what}${most}`
}

function workOf({ flops, flopsPerSecond, shareOfPeak }: MeasuredWork): string {
  return `${operations(flops)}, ${operations(flopsPerSecond)}/s: ${percent(shareOfPeak)} of the peak`
}

function generationRows({ generation }: BenchResult): [string, string][] {
  const [first] = generation
  if (first === undefined) return []
  const rates = generation.map(({ sequences, tokensPerSecond, promptTokensPerSecond }, i): [string, string] => {
    const [who, prompt] = sequences === 1 ? ['1 sequence', 'its prompt'] : [`${sequences} sequences`, 'their prompts']
    const written = `${quantity(tokensPerSecond)} tokens/s of ${who}`
    return [i === 0 ? 'generation' : '', `${written}, ${prompt} at ${quantity(promptTokensPerSecond)} tokens/s`]
  })
  return [...rates, ['  lengths', `${first.promptTokens} tokens read, ${first.newTokens} written`]]
}

function memoryRows({ memory, residentBytes }: MeasuredTraining): [string, string][] {
  return [
    ['memory', `${bytes(memory.total)} of the model in training, ${bytes(residentBytes)} of the process`],
    ['  parameters', bytes(memory.parameters)],
    ['  gradients', bytes(memory.gradients)],
    ['  optimizer', bytes(memory.optimizer)],
    ['  activations', bytes(memory.activations)],
    ...(memory.states === 0 ? [] : [['  states', bytes(memory.states)] as [string, string]]),
  ]
}

function describeProfile(profile: StepProfile): string {
  const { steps, seconds, outside } = profile
  const parts = phases.map((phase) => `${phase} ${moment(profile.phases[phase])}`)
  const giga = (count: number): string => (count / 1e9).toFixed(1)
  const rows = profile.ops.map((op) => [
    op.op,
    Number.isInteger(op.runs) ? String(op.runs) : op.runs.toFixed(1),
    (op.seconds * 1000).toFixed(2),
    percent(op.share),
    giga(op.flopsPerSecond),
    percent(op.shareOfPeak),
    giga(op.bytesPerSecond),
  ])
  return (
    `a step by op, the mean of ${steps}: ${moment(seconds)}, ${percent(outside)} of it outside kernels\n` +
    `${parts.join(', ')}\n\n` +
    table([['op', 'runs', 'ms', 'share', 'GFLOP/s', 'of peak', 'GB/s'], ...rows], { numbers: true })
  )
}
