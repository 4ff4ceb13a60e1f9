/** A run of the suite as one page that needs nothing else. */
import { facts } from '../../dist/page/facts.js'
import { count, percent } from '../../dist/page/figures.js'
import { html, Markup, type Content } from '../../dist/page/markup.js'
import { page } from '../../dist/page/page.js'
import { section } from '../../dist/page/section.js'
import { lossChart, rooflineChart, rooflineLegend, shareChart, stepChart, type Roof, type StepBars } from './charts.js'
import { faults, type Correctness } from './correctness.js'
import type { Estimate } from './estimate.js'
import { gpuNamed, productPeak } from './gpus.js'
import { kernelClasses } from './kernel-class.js'
import { boundPeak, bestProduct } from './peak-share.js'
import { ownProductsPart } from './own-products.js'
import { reportStyle } from './report-style.js'
import { isAbsent, type Absent } from './absent.js'
import type { CudaResult, KernelResult, StepResult } from './result.js'

export function reportPage(result: CudaResult): string {
  const { device, measured, machine, correctness } = result
  return page(
    `attune on ${device.hardware}`,
    html`<style>
      ${new Markup(reportStyle)}
    </style>`,
    html`<p class="soft">
      ${result.date.slice(0, 16).replace('T', ' ')} UTC, attune ${machine.attune} (${machine.commit})
    </p>`,
    !measured && html`<p class="stamp">Dry run: everything ran once and small, and nothing was measured.</p>`,
    section('The machine', machineFacts(result)),
    section('Is it right?', correctness === undefined ? html`<p>Not looked at.</p>` : correctnessPart(correctness)),
    section('Steps', ...stepParts(result)),
    section('Roofline', ...rooflineParts(result)),
    section('Part of the peak', ...shareParts(result)),
    section('Kernels', ...kernelParts(result)),
    section('cuBLASLt', ownProductsPart(result.kernels)),
  )
}

function machineFacts({ gpu, machine, device, peaks, python, kernels }: CudaResult): Content {
  const sheet = gpuNamed(device.hardware)
  const of = gpu?.before
  const range = (now: number | undefined, then: number | undefined, most: number | undefined, unit: string) =>
    now === undefined ? undefined : `${now} before, ${then ?? '?'} after, at most ${most ?? '?'} ${unit}`
  const best = bestProduct(kernels, 'bf16')
  return facts([
    ['device', device.hardware],
    ['bf16 products by', device.products],
    ['driver', of?.driver ?? 'nvidia-smi is not there'],
    ['compute capability', of?.computeCapability],
    ['memory', of?.memory === undefined ? undefined : `${count(of.memory)} MiB`],
    ['power limit', of?.powerLimit === undefined ? undefined : `${of.powerLimit} of ${of.powerMaximum ?? '?'} W`],
    ['clock', range(of?.clock, gpu?.after.clock, of?.clockMaximum, 'MHz')],
    ['memory clock', range(of?.memoryClock, gpu?.after.memoryClock, of?.memoryClockMaximum, 'MHz')],
    [
      'temperature',
      of?.temperature === undefined ? undefined : `${of.temperature} before, ${gpu?.after.temperature ?? '?'} after °C`,
    ],
    ['bf16 products, operands in registers', isAbsent(peaks) ? peaks.missing : tera(peaks.tensor)],
    ['best bf16 product', best === undefined ? undefined : tera(best)],
    [
      'bf16 products by the data sheet',
      sheet === undefined ? 'this card is not in bench/cuda/gpus.ts' : tera(productPeak(sheet, 'bf16')),
    ],
    ['memory read', isAbsent(peaks) ? peaks.missing : giga(peaks.bandwidth)],
    ['memory by the data sheet', sheet === undefined ? undefined : giga(sheet.bandwidth)],
    ['processor', `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB`],
    ['system', `${machine.system}, Node ${machine.node}, ${machine.compiler}`],
    ['PyTorch', isAbsent(python) ? python.missing : `${python.torch}, CUDA ${python.cuda}, Python ${python.python}`],
  ])
}

function correctnessPart(correctness: Correctness): Content {
  const { tests, sanitizer, repeatable, losses } = correctness
  const wrong = faults(correctness)
  const rows: [string, string][] = [
    ...tests.map((test): [string, string] => [
      test.name,
      isAbsent(test) ? test.missing : `${test.passed} passed, ${test.failed} failed, ${test.skipped} skipped`,
    ]),
    ...(isAbsent(sanitizer)
      ? [['compute-sanitizer', sanitizer.missing] as [string, string]]
      : sanitizer.map(({ tool, errors }): [string, string] => [
          tool,
          errors === undefined ? 'no summary' : `${errors} errors`,
        ])),
    [
      'the same training twice',
      isAbsent(repeatable)
        ? repeatable.missing
        : `${repeatable.same ? 'the same bits' : 'other bits'} after ${repeatable.steps} steps`,
    ],
    [
      'losses beside the processor’s',
      isAbsent(losses)
        ? losses.missing
        : `${losses.device.length} steps, at most ${losses.difference.toExponential(1)} apart`,
    ],
  ]
  return html`
    ${wrong.map((fault) => html`<p class="error">${fault}</p>`)} ${facts(rows)}
    ${
      !isAbsent(losses) &&
      html`${lossChart(losses.device, losses.processor)}
        <p class="legend"><span class="key third">processor</span> <span class="key second">device</span></p>`
    }
  `
}

function stepParts({ steps, device }: CudaResult): Content[] {
  if (steps.length === 0) return [undefined]
  const sheet = gpuNamed(device.hardware)
  const speed = (tokens: number, time: Estimate | Absent) => (isAbsent(time) ? undefined : tokens / time.seconds)
  const bars = steps.flatMap(({ title, tokens, time, peers, predictedSeconds }): StepBars[] => {
    const all = [
      { name: 'attune', speed: speed(tokens, time), ours: true },
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
    ...step.peers.map((peer) => stepRow(variantName(peer.variant), step, peer.time, peer.peakBytes, undefined)),
  ])
  return [
    bars.length > 0 &&
      html`${stepChart(bars)}
        <p class="legend">Tokens a second; the line is the prediction on paper.</p>`,
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

function roofsOf({ peaks, device, kernels }: CudaResult): Roof[] {
  const sheet = gpuNamed(device.hardware)
  const best = bestProduct(kernels, 'bf16')
  return [
    ...(isAbsent(peaks) || best === undefined
      ? []
      : [{ name: 'best product and read bandwidth of this run', peak: best, bandwidth: peaks.bandwidth }]),
    ...(sheet === undefined
      ? []
      : [{ name: 'data sheet', peak: productPeak(sheet, 'bf16'), bandwidth: sheet.bandwidth }]),
  ]
}

function rooflineParts(result: CudaResult): Content[] {
  const points = result.kernels.flatMap(({ name, class: kind, dtype, products, attention, elements, bytes, time }) => {
    const work = products + attention + elements
    if (isAbsent(time) || dtype !== 'bf16' || work === 0) return []
    return [{ name, class: kind, intensity: work / bytes, rate: work / time.seconds }]
  })
  const roofs = roofsOf(result)
  if (points.length === 0) return [undefined]
  return [rooflineChart(points, roofs), rooflineLegend(roofs)]
}

function shareParts({ kernels, peaks }: CudaResult): Content[] {
  if (isAbsent(peaks)) return [undefined]
  const bars = kernels.flatMap((kernel) => {
    const peak = boundPeak(kernel, kernels, peaks)
    if (isAbsent(kernel.time) || peak === undefined || kernel.dtype !== 'bf16') return []
    const predicted = kernel.predicted === undefined ? undefined : peak.seconds / kernel.predicted.seconds
    return [
      {
        name: kernel.name.replace(/ bf16$/, ''),
        class: kernel.class,
        share: peak.seconds / kernel.time.seconds,
        predicted,
      },
    ]
  })
  if (bars.length === 0) return [undefined]
  return kernelClasses
    .map((kind) => {
      const own = bars.filter((bar) => bar.class === kind)
      return own.length === 0
        ? undefined
        : html`<details open>
            <summary>${kind}</summary>
            ${shareChart(own)}
          </details>`
    })
    .concat(
      html`<p class="legend">
        Bars: of the best product of this run, or of its read bandwidth, whichever bounds the kernel. Lines: the
        prediction on paper.
      </p>`,
    )
}

function kernelParts({ kernels, peaks }: CudaResult): Content[] {
  if (kernels.length === 0) return [undefined]
  const head = ['kernel', 'µs', 'half of the rounds', 'TFLOP/s', 'GB/s', 'of peak', 'predicted µs', 'bound by']
  return kernelClasses.map((kind) => {
    const own = kernels.filter((kernel) => kernel.class === kind)
    return (
      own.length > 0 &&
      html`<h3>${kind}</h3>
        ${resultTable(
          head,
          own.map((kernel) => kernelRow(kernel, kernels, peaks)),
        )}`
    )
  })
}

function kernelRow(kernel: KernelResult, all: readonly KernelResult[], peaks: CudaResult['peaks']): Row {
  const { name, time, predicted, products, attention, elements, bytes } = kernel
  const after = predicted === undefined ? ['', ''] : [micro(predicted.seconds), predicted.bound]
  if (isAbsent(time)) return { head: [name], missing: time.missing, span: 5, cells: after }
  const work = products + attention + elements
  const peak = isAbsent(peaks) ? undefined : boundPeak(kernel, all, peaks)
  return {
    head: [name],
    cells: [
      micro(time.seconds),
      `${micro(time.low)} to ${micro(time.high)}`,
      work === 0 ? '' : digits(work / time.seconds / 1e12),
      digits(bytes / time.seconds / 1e9),
      peak === undefined ? '' : percent(peak.seconds / time.seconds),
      ...after,
    ],
  }
}

interface Row {
  readonly head: readonly string[]
  /** In place of so many cells, before the others. */
  readonly missing?: string
  readonly span?: number
  readonly cells: readonly string[]
}

function resultTable(head: readonly string[], rows: readonly Row[]): Content {
  const texts = rows[0]?.head.length ?? 1
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head.map((title, i) => html`<th class="${i >= texts && 'number'}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.head.map((cell, i) => (i === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}
              ${row.missing !== undefined && html`<td class="why" colspan="${row.span ?? 1}">${row.missing}</td>`}
              ${row.cells.map((cell) => html`<td class="number">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function digits(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 })
}

const micro = (seconds: number): string => digits(1e6 * seconds)
const milli = (seconds: number): string => digits(1e3 * seconds)
const tera = (rate: number): string => `${digits(rate / 1e12)} TFLOP/s`
const giga = (rate: number): string => `${digits(rate / 1e9)} GB/s`
