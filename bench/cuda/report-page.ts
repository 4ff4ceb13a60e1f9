/** A run of the suite as one page that needs nothing else. */
import { facts } from '../../dist/page/facts.js'
import { count } from '../../dist/page/figures.js'
import { html, Markup, type Content } from '../../dist/page/markup.js'
import { page } from '../../dist/page/page.js'
import { section } from '../../dist/page/section.js'
import { attentionParts } from './attention-parts.js'
import { rooflineChart, rooflineLegend, shareChart, type Roof } from './charts.js'
import { correctnessPart } from './correctness-part.js'
import { gpuNamed, productPeak } from './gpus.js'
import { kernelClasses } from './kernel-class.js'
import { kernelParts } from './kernel-parts.js'
import { boundPeak, bestProduct } from './peak-share.js'
import { ownProductsPart } from './own-products.js'
import { giga, tera } from './report-figures.js'
import { reportStyle } from './report-style.js'
import { isAbsent } from './absent.js'
import type { CudaResult } from './result.js'
import { stepParts } from './step-parts.js'

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
    section('Attention beside PyTorch', ...attentionParts(result)),
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
