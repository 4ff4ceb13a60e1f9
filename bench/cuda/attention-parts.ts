/** Attention alone beside PyTorch's, on the page. */
import { html, type Content } from '../../dist/page/markup.js'
import { isAbsent, type Absent } from './absent.js'
import { attentionChart, type AttentionPanel } from './attention-chart.js'
import type { Estimate } from './estimate.js'
import { digits } from './report-figures.js'
import type { AttentionResult, CudaResult } from './result.js'
import { resultTable } from './result-table.js'

export function attentionParts({ attention }: CudaResult): Content[] {
  if (attention.length === 0) return [undefined]
  const panels = panelsOf(attention)
  return [
    panels.length > 0 &&
      html`${attentionChart(panels)}
        <p class="legend">
          TFLOP/s by length, over the pairs that see each other. Shapes are sequences x tokens, heads x head size.
          <span class="key first">attune</span> <span class="key other">PyTorch</span>
        </p>`,
    resultTable(
      ['shape', 'pass', 'GFLOP', 'attune TFLOP/s', 'PyTorch TFLOP/s', 'attune / PyTorch'],
      attention.map(({ shape, pass, flops, ours, theirs, speedup }) => ({
        head: [shape, pass],
        cells: [
          digits(flops / 1e9),
          rateOf(flops, ours),
          rateOf(flops, theirs),
          speedup === undefined ? '' : `${speedup.toFixed(2)}×`,
        ],
      })),
    ),
    ...reasonsOf(attention).map((reason) => html`<p class="soft">${reason}</p>`),
  ]
}

function rateOf(flops: number, time: Estimate | Absent): string {
  return isAbsent(time) ? '' : digits(flops / time.seconds / 1e12)
}

/** Each once: mostly it is one for all shapes. */
function reasonsOf(attention: readonly AttentionResult[]): string[] {
  const of = (engine: string, time: Estimate | Absent) => (isAbsent(time) ? [`${engine}: ${time.missing}`] : [])
  return [...new Set(attention.flatMap(({ ours, theirs }) => [...of('attune', ours), ...of('PyTorch', theirs)]))]
}

/** One for each head size, mask and pass. */
function panelsOf(attention: readonly AttentionResult[]): AttentionPanel[] {
  const panels = new Map<string, AttentionResult[]>()
  for (const result of attention) {
    const title = `${result.pass}, ${result.causal ? 'causal' : 'full'}, heads of ${result.headDim}`
    panels.set(title, [...(panels.get(title) ?? []), result])
  }
  const points = (results: readonly AttentionResult[], timeOf: (result: AttentionResult) => Estimate | Absent) =>
    results.flatMap((result) => {
      const time = timeOf(result)
      return isAbsent(time) ? [] : [{ length: result.length, rate: result.flops / time.seconds }]
    })
  return [...panels].flatMap(([title, results]) => {
    const [ours, theirs] = [points(results, ({ ours: time }) => time), points(results, ({ theirs: time }) => time)]
    return ours.length + theirs.length === 0 ? [] : [{ title, ours, theirs }]
  })
}
