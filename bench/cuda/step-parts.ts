/** Steps of whole models beside PyTorch's, on the page. */
import { count, percent } from '../../dist/page/figures.js'
import { html, type Content } from '../../dist/page/markup.js'
import { isAbsent, type Absent } from './absent.js'
import { stepChart, type StepBars } from './charts.js'
import type { Estimate } from './estimate.js'
import { gpuNamed, productPeak } from './gpus.js'
import { milli } from './report-figures.js'
import type { CudaResult, StepResult } from './result.js'
import { resultTable, type Row } from './result-table.js'

const withoutGraphs = 'attune, no graphs'

export function stepParts({ steps, device }: CudaResult): Content[] {
  if (steps.length === 0) return [undefined]
  const sheet = gpuNamed(device.hardware)
  const speed = (tokens: number, time: Estimate | Absent) => (isAbsent(time) ? undefined : tokens / time.seconds)
  const bars = steps.flatMap(({ title, tokens, time, timeWithoutGraphs, peers, predictedSeconds }): StepBars[] => {
    const all = [
      { name: 'attune', speed: speed(tokens, time), ours: true },
      { name: withoutGraphs, speed: speed(tokens, timeWithoutGraphs), ours: true },
      ...peers.map((peer) => ({ name: variantName(peer.variant), speed: speed(tokens, peer.time), ours: false })),
    ]
    const known = all.flatMap((bar) => (bar.speed === undefined ? [] : [{ ...bar, speed: bar.speed }]))
    const predicted = predictedSeconds === undefined ? undefined : tokens / predictedSeconds
    return known.length === 0 ? [] : [{ title, bars: known, predicted }]
  })
  const rows = steps.flatMap((step) => [
    stepRow(
      'attune',
      step,
      step.time,
      step.peakBytes,
      sheet === undefined ? undefined : productPeak(sheet, step.dtype),
    ),
    stepRow(withoutGraphs, step, step.timeWithoutGraphs, undefined, undefined),
    ...step.peers.map((peer) => stepRow(variantName(peer.variant), step, peer.time, peer.peakBytes, undefined)),
  ])
  return [
    bars.length > 0 &&
      html`${stepChart(bars)}
        <p class="legend">
          Tokens a second; the line is the prediction on paper. No graphs: every kernel launched by itself.
        </p>`,
    resultTable(
      [
        'step',
        'engine',
        'rows',
        'ms',
        'half of the steps',
        'tokens/s',
        'of bf16 peak',
        'predicted ms',
        'plan GiB',
        'peak GiB',
      ],
      rows,
    ),
  ]
}

function stepRow(
  engine: string,
  { title, rows, tokens, flops, predictedSeconds, plannedBytes }: StepResult,
  time: Estimate | Absent,
  peakBytes: number | undefined,
  peak: number | undefined,
): Row {
  const gibibytes = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 2 ** 30).toFixed(1))
  const ours = engine === 'attune'
  const after = [
    ours && predictedSeconds !== undefined ? milli(predictedSeconds) : '',
    ours ? gibibytes(plannedBytes) : '',
    gibibytes(peakBytes),
  ]
  const head = [ours ? title : '', engine, String(rows)]
  if (isAbsent(time)) return { head, missing: time.missing, span: 4, cells: after }
  const utilisation = peak === undefined || !ours ? '' : percent(flops / time.seconds / peak)
  const range = `${milli(time.low)} to ${milli(time.high)}`
  return { head, cells: [milli(time.seconds), range, count(Math.round(tokens / time.seconds)), utilisation, ...after] }
}

function variantName(variant: string): string {
  return `PyTorch ${variant.includes('compile') ? 'compiled' : 'eager'}`
}
