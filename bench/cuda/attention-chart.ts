/** Rates of attention by length, attune's beside PyTorch's, a panel for each kind. */
import { max } from 'd3-array'
import { scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import { html, type Markup } from '../../dist/page/markup.js'

export interface RatePoint {
  readonly length: number
  /** Operations a second. */
  readonly rate: number
}

export interface AttentionPanel {
  readonly title: string
  readonly ours: readonly RatePoint[]
  readonly theirs: readonly RatePoint[]
}

const columns = 4
const [width, panelHeight] = [920, 150]
const margin = { top: 24, right: 16, bottom: 24, left: 40 }

/** All panels have the same scales. */
export function attentionChart(panels: readonly AttentionPanel[]): Markup {
  const points = panels.flatMap(({ ours, theirs }) => [...ours, ...theirs])
  const lengths = [...new Set(points.map(({ length }) => length))].sort((a, b) => a - b)
  const [panelWidth, rows] = [width / columns, Math.ceil(panels.length / columns)]
  const x = scaleLog([lengths[0] ?? 1, lengths.at(-1) ?? 2], [margin.left, panelWidth - margin.right])
  const highest = max(points, ({ rate }) => rate / 1e12) ?? 1
  const y = scaleLinear([0, highest], [panelHeight - margin.bottom, margin.top]).nice(4)
  const path = line<RatePoint>(
    ({ length }) => x(length),
    ({ rate }) => y(rate / 1e12),
  )
  const dots = (of: readonly RatePoint[], engine: string, kind: string): Markup[] =>
    of.map(
      ({ length, rate }) =>
        html`<circle class="fill ${kind}" cx="${x(length).toFixed(1)}" cy="${y(rate / 1e12).toFixed(1)}" r="2.5"
          ><title>${engine}, ${length}: ${(rate / 1e12).toPrecision(3)} TFLOP/s</title></circle
        >`,
    )
  return html`<svg
    class="wide-chart"
    viewBox="0 0 ${width} ${rows * panelHeight}"
    role="img"
    aria-label="Attention by length"
  >
    ${panels.map(({ title, ours, theirs }, at) => {
      const [left, top] = [(at % columns) * panelWidth, Math.floor(at / columns) * panelHeight]
      return html`<g transform="translate(${left} ${top})">
        <text class="title" x="8" y="14">${title}</text>
        ${y
          .ticks(4)
          .map(
            (tick) =>
              html`<line
                  class="grid"
                  x1="${margin.left}"
                  x2="${panelWidth - margin.right}"
                  y1="${y(tick)}"
                  y2="${y(tick)}"
                />
                <text class="tick" x="${margin.left - 6}" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
          )}
        ${lengths.map(
          (length) =>
            html`<text class="tick" x="${x(length)}" y="${panelHeight - 8}" text-anchor="middle"
              >${lengthText(length)}</text
            >`,
        )}
        <path class="line other" d="${path(theirs) ?? ''}" /><path class="line first" d="${path(ours) ?? ''}" />
        ${dots(theirs, 'PyTorch', 'other')} ${dots(ours, 'attune', 'products')}
      </g>`
    })}
  </svg>`
}

function lengthText(length: number): string {
  return length >= 1024 ? `${length / 1024}k` : String(length)
}
