/** The charts of the report as inline SVG. Colours are classes: report-style.ts has them for light and dark. */
import { extent, max } from 'd3-array'
import { scaleBand, scaleLinear, scaleLog, scaleOrdinal } from 'd3-scale'
import { line, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle, symbolWye } from 'd3-shape'
import { percent } from '../../dist/page/figures.js'
import { html, type Markup } from '../../dist/page/markup.js'
import { kernelClasses, type KernelClass } from './kernel-class.js'

const classNames = ['products', 'head', 'attention', 'backward', 'memory']
const colourOf = scaleOrdinal<KernelClass, string>(kernelClasses, classNames)
const symbolOf = scaleOrdinal(kernelClasses, [symbolCircle, symbolSquare, symbolTriangle, symbolWye, symbolDiamond])

export interface RooflinePoint {
  readonly name: string
  readonly class: KernelClass
  /** Operations a byte. */
  readonly intensity: number
  /** Operations a second. */
  readonly rate: number
}

export interface Roof {
  readonly name: string
  /** Operations a second. */
  readonly peak: number
  /** Bytes a second. */
  readonly bandwidth: number
}

/** Operations a byte against operations a second, both logarithmic, under the roofs that the card has. */
export function rooflineChart(points: readonly RooflinePoint[], roofs: readonly Roof[]): Markup {
  const [width, height] = [920, 470]
  const margin = { top: 16, right: 24, bottom: 46, left: 66 }
  const [least = 0.1, most = 1000] = extent(points, ({ intensity }) => intensity)
  const x = scaleLog([Math.min(0.1, least) / 1.3, Math.max(2000, most) * 1.3], [margin.left, width - margin.right])
  const top = max(roofs, ({ peak }) => peak) ?? 1e12
  const bottom = Math.min(...points.map(({ rate }) => rate), top / 1e4)
  const lowest = bottom / 1.5
  const y = scaleLog([lowest, top * 1.6], [height - margin.bottom, margin.top])
  const decades = (scale: typeof x): number[] => scale.ticks().filter((tick) => Number.isInteger(Math.log10(tick)))
  const [left, right] = x.domain() as [number, number]
  const roofPath = ({ peak, bandwidth }: Roof): string => {
    const begin = Math.max(left, lowest / bandwidth)
    const corners = [begin, peak / bandwidth, right].map((at) => [x(at), y(Math.min(peak, at * bandwidth))] as const)
    return (
      line<readonly [number, number]>(
        ([at]) => at,
        ([, to]) => to,
      )(corners) ?? ''
    )
  }
  return html`<svg class="wide-chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="Roofline">
    ${decades(y).map(
      (tick) =>
        html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}" />
          <text class="tick" x="${margin.left - 8}" y="${y(tick) + 4}" text-anchor="end">${teraText(tick)}</text>`,
    )}
    ${decades(x).map(
      (tick) =>
        html`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${margin.top}" y2="${height - margin.bottom}" />
          <text class="tick" x="${x(tick)}" y="${height - margin.bottom + 18}" text-anchor="middle">${tick}</text>`,
    )}
    <text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">
      operations a byte
    </text>
    <text class="axis" transform="translate(16 ${height / 2 - 15}) rotate(-90)" text-anchor="middle">TFLOP/s</text>
    ${roofs.map(
      (roof, i) =>
        html`<path class="roof ${i === 0 ? 'measured' : 'sheet'}" d="${roofPath(roof)}"
          ><title>${roof.name}</title></path
        >`,
    )}
    ${points.map(
      (point) =>
        html`<path
          class="point ${colourOf(point.class)}"
          transform="translate(${x(point.intensity).toFixed(1)} ${y(point.rate).toFixed(1)})"
          d="${symbol(symbolOf(point.class), 42)() ?? ''}"
        >
          <title>
            ${point.name}: ${teraText(point.rate)} TFLOP/s at ${point.intensity.toPrecision(3)} operations a byte
          </title>
        </path>`,
    )}
  </svg>`
}

export function rooflineLegend(roofs: readonly Roof[]): Markup {
  return html`<p class="legend">
    ${kernelClasses.map(
      (name) =>
        html`<span class="swatch"
          ><svg viewBox="-6 -6 12 12" width="12" height="12" aria-hidden="true">
            <path class="point ${colourOf(name)}" d="${symbol(symbolOf(name), 60)() ?? ''}" /></svg
          >${name}</span
        > `,
    )}
    ${roofs.map(({ name }, i) => html`<span class="key ${i === 0 ? 'roof-measured' : 'roof-sheet'}">${name}</span> `)}
  </p>`
}

function teraText(rate: number): string {
  return String(Number((rate / 1e12).toPrecision(3)))
}

export interface ShareBar {
  readonly name: string
  readonly class: KernelClass
  /** Of the peak that bounds it, measured in the same run. */
  readonly share: number
  /** What was predicted of the same peak. */
  readonly predicted: number | undefined
}

/** Parts of a peak; a mark stands where the prediction was. */
export function shareChart(bars: readonly ShareBar[]): Markup {
  const row = 18
  const [width, left, right] = [920, 360, 60]
  const height = bars.length * row + 26
  const most = Math.max(1, ...bars.map(({ share, predicted = 0 }) => Math.max(share, predicted)))
  const x = scaleLinear([0, most], [left, width - right])
  const y = scaleBand(
    bars.map((_, i) => i),
    [0, bars.length * row],
  ).padding(0.25)
  return html`<svg class="wide-chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="Parts of the peak">
    ${x
      .ticks(5)
      .map(
        (tick) =>
          html`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="0" y2="${height - 26}" />
            <text class="tick" x="${x(tick)}" y="${height - 8}" text-anchor="middle">${percent(tick)}</text>`,
      )}
    ${bars.map(({ name, class: kind, share, predicted }, i) => {
      const at = y(i) ?? 0
      const middle = at + y.bandwidth() / 2
      return html`<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${name}</text>
        <rect
          class="fill ${colourOf(kind)}"
          x="${left}"
          y="${at.toFixed(1)}"
          width="${(x(share) - left).toFixed(1)}"
          height="${y.bandwidth().toFixed(1)}"
        >
          <title>${name}: ${percent(share)}</title>
        </rect>
        ${
          predicted !== undefined &&
          html`<line
            class="predicted"
            x1="${x(predicted)}"
            x2="${x(predicted)}"
            y1="${at - 1}"
            y2="${at + y.bandwidth() + 1}"
          >
            <title>${name}: predicted ${percent(predicted)}</title>
          </line>`
        }
        <text class="tick" x="${width - 4}" y="${middle + 4}" text-anchor="end">${percent(share)}</text>`
    })}
  </svg>`
}

export interface StepBars {
  readonly title: string
  /** Tokens a second; attune's first. */
  readonly bars: readonly { readonly name: string; readonly speed: number; readonly ours: boolean }[]
  readonly predicted: number | undefined
}

/** Tokens a second of each model, attune beside PyTorch; each model has a scale of its own. */
export function stepChart(steps: readonly StepBars[]): Markup {
  const [row, gap] = [20, 34]
  const [width, left, right] = [920, 230, 110]
  const tops: number[] = []
  let height = 0
  for (const { bars } of steps) {
    tops.push(height + gap - 6)
    height += gap + bars.length * row
  }
  return html`<svg class="wide-chart" viewBox="0 0 ${width} ${height + 6}" role="img" aria-label="Tokens a second">
    ${steps.map(({ title, bars, predicted }, i) => {
      const top = tops[i] ?? 0
      const most = Math.max(predicted ?? 0, ...bars.map(({ speed }) => speed))
      const x = scaleLinear([0, most], [left, width - right])
      return html`<text class="title" x="0" y="${top - 6}">${title}</text> ${bars.map(({ name, speed, ours }, j) => {
          const at = top + j * row
          return html`<text x="${left - 8}" y="${at + 14}" text-anchor="end">${name}</text>
            <rect
              class="fill ${ours ? 'products' : 'other'}"
              x="${left}"
              y="${at + 3}"
              width="${(x(speed) - left).toFixed(1)}"
              height="${row - 6}"
            />
            <text class="tick" x="${width - 4}" y="${at + 14}" text-anchor="end">
              ${Math.round(speed).toLocaleString('en')}
            </text>`
        })}
        ${
          predicted !== undefined &&
          html`<line class="predicted" x1="${x(predicted)}" x2="${x(predicted)}" y1="${top}" y2="${top + row}">
            <title>predicted: ${Math.round(predicted).toLocaleString('en')} tokens a second</title>
          </line>`
        }`
    })}
  </svg>`
}

/** Losses by step, of the GPU and of the processor. */
export function lossChart(device: readonly number[], processor: readonly number[]): Markup {
  const [width, height] = [640, 240]
  const margin = { top: 12, right: 16, bottom: 44, left: 52 }
  const x = scaleLinear([1, Math.max(2, device.length)], [margin.left, width - margin.right])
  const highest = max([...device, ...processor].filter(Number.isFinite)) ?? 1
  const y = scaleLinear([0, highest], [height - margin.bottom, margin.top]).nice(4)
  const path = (losses: readonly number[]): string =>
    line<number>(
      (_, i) => x(i + 1),
      (loss) => y(loss),
    ).defined(Number.isFinite)(losses) ?? ''
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="Losses by step">
    ${y
      .ticks(4)
      .map(
        (tick) =>
          html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}" />
            <text class="tick" x="${margin.left - 8}" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
      )}
    ${x
      .ticks(6)
      .filter(Number.isInteger)
      .map(
        (tick) =>
          html`<text class="tick" x="${x(tick)}" y="${height - margin.bottom + 18}" text-anchor="middle"
            >${tick}</text
          >`,
      )}
    <text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">
      step
    </text>
    <text class="axis" transform="translate(14 ${height / 2 - 16}) rotate(-90)" text-anchor="middle">loss</text>
    <path class="line third" d="${path(processor)}" />
    <path class="line second" d="${path(device)}" />
  </svg>`
}
