import { max } from 'd3-array'
import { scaleLinear } from 'd3-scale'
import { count } from '../../page/figures.js'
import { html, type Markup } from '../../page/markup.js'
import type { LengthSummary } from '../length-counter.js'

const width = 640
const height = 260
const margin = { top: 12, right: 16, bottom: 44, left: 60 }

/** How many examples have which length; lines at the median and at 95 %. */
export function histogramChart({ histogram, median, p95 }: LengthSummary, unit: string): Markup {
  const most = max(histogram, (bin) => bin.count) ?? 1
  const up = scaleLinear([0, most], [height - margin.bottom, margin.top]).nice(4)
  const slot = (width - margin.left - margin.right) / histogram.length
  const left = (index: number): number => margin.left + index * slot
  // The last bin may be wider than the others, so lengths are placed bin by bin.
  const at = (length: number): number => {
    const index = histogram.findIndex(({ to }) => length < to)
    const bin = histogram[index]
    return bin === undefined ? width - margin.right : left(index) + (slot * (length - bin.from)) / (bin.to - bin.from)
  }
  const everyBin = Math.ceil(histogram.length / 9)
  // The last label of the axis stands at its right end.
  const lastLabel = width - margin.right - 56
  const base = height - margin.bottom
  const marker = (length: number, name: string): Markup => {
    const x = at(length).toFixed(1)
    return html`<line class="marker" x1="${x}" x2="${x}" y1="${margin.top}" y2="${base}">
      <title>${name}: ${count(Math.round(length))} ${unit}</title>
    </line>`
  }
  return html`<svg class="chart histogram" viewBox="0 0 ${width} ${height}" role="img" aria-label="${unit} per example">
    ${up
      .ticks(4)
      .filter(Number.isInteger)
      .map(
        (tick) =>
          html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${up(tick)}" y2="${up(tick)}" />
            <text class="tick" x="${margin.left - 8}" y="${up(tick) + 4}" text-anchor="end">${count(tick)}</text>`,
      )}
    ${histogram.map(
      ({ from, to, count: times }, index) =>
        html`<rect
            class="bar"
            x="${(left(index) + 1).toFixed(1)}"
            y="${up(times).toFixed(1)}"
            width="${Math.max(slot - 2, 1).toFixed(1)}"
            height="${(base - up(times)).toFixed(1)}"
          >
            <title>${count(times)} examples of ${count(from)} to ${count(to - 1)} ${unit}</title>
          </rect>
          ${
            index % everyBin === 0 &&
            left(index) < lastLabel &&
            html`<text class="tick" x="${left(index).toFixed(1)}" y="${base + 18}" text-anchor="middle">
              ${count(from)}
            </text>`
          }`,
    )}
    <text class="tick" x="${width - margin.right}" y="${base + 18}" text-anchor="end">
      ${count((histogram.at(-1)?.to ?? 1) - 1)}
    </text>
    <text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">
      ${unit}
    </text>
    ${marker(median, 'median')} ${marker(p95, '95 % have no more')}
  </svg>`
}
