/** Times of all kernels, on the page. */
import { percent } from '../../dist/page/figures.js'
import { html, type Content } from '../../dist/page/markup.js'
import { isAbsent } from './absent.js'
import { kernelClasses } from './kernel-class.js'
import { boundPeak } from './peak-share.js'
import { digits, micro } from './report-figures.js'
import type { CudaResult, KernelResult } from './result.js'
import { resultTable, type Row } from './result-table.js'

export function kernelParts({ kernels, peaks }: CudaResult): Content[] {
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
