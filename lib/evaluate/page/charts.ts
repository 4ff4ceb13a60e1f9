/** The charts of a report as inline SVG. Colours are classes: the page's style has them for light and dark. */
import { max } from 'd3-array'
import { scaleBand, scaleLinear, scaleSqrt } from 'd3-scale'
import { line } from 'd3-shape'
import type { Calibration } from '../metrics/calibration.js'
import type { ConfusionMatrix } from '../metrics/confusion-matrix.js'
import type { ThresholdPoint } from '../metrics/thresholds.js'
import { count, figure, percent, short } from '../../page/figures.js'
import { html, type Markup } from '../../page/markup.js'

const width = 460
const height = 320
const margin = { top: 12, right: 16, bottom: 44, left: 52 }
const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]

const across = scaleLinear([0, 1], [margin.left, width - margin.right])
const up = scaleLinear([0, 1], [height - margin.bottom, margin.top])

/** A field from 0 to 1 both ways, with its axes. */
function unitChart(title: string, xLabel: string, yLabel: string, marks: Markup): Markup {
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
    ${ticks.map(
      (tick) =>
        html`<line class="grid" x1="${across(0)}" x2="${across(1)}" y1="${up(tick)}" y2="${up(tick)}" />
          <text class="tick" x="${across(0) - 8}" y="${up(tick) + 4}" text-anchor="end">${tick}</text>
          <text class="tick" x="${across(tick)}" y="${up(0) + 18}" text-anchor="middle">${tick}</text>`,
    )}
    <text class="axis" x="${(across(0) + across(1)) / 2}" y="${height - 6}" text-anchor="middle">${xLabel}</text>
    <text class="axis" transform="translate(14 ${(up(0) + up(1)) / 2}) rotate(-90)" text-anchor="middle">
      ${yLabel}
    </text>
    ${marks}
  </svg>`
}

/** How often predictions were right, by how sure the model was; dots are as large as they have rows. */
export function reliabilityChart({ bins }: Calibration): Markup {
  const filled = bins.filter(({ rows }) => rows > 0)
  const radius = scaleSqrt([0, max(filled, ({ rows }) => rows) ?? 1], [2, 12])
  const path = line<(typeof filled)[number]>(
    ({ confidence }) => across(confidence),
    ({ accuracy }) => up(accuracy),
  )(filled)
  return unitChart(
    'Reliability: share of correct predictions by confidence',
    'confidence',
    'share correct',
    html`<line class="diagonal" x1="${across(0)}" y1="${up(0)}" x2="${across(1)}" y2="${up(1)}" />
      <path class="line first" d="${path ?? ''}" />
      ${filled.map(
        ({ rows, confidence, accuracy, lower, upper }) =>
          html`<circle class="dot" cx="${across(confidence)}" cy="${up(accuracy)}" r="${radius(rows).toFixed(1)}">
            <title>
              ${count(rows)} predictions with confidence ${figure(lower)} to ${figure(upper)}: ${percent(accuracy)}
              right
            </title>
          </circle>`,
      )}`,
  )
}

const curves = [
  ['precision', 'first'],
  ['recall', 'second'],
  ['fScore', 'third'],
] as const

/** Precision, recall and F1 by the threshold from which a label is predicted. */
export function thresholdChart(points: readonly ThresholdPoint[], best: number | undefined): Markup {
  const paths = curves.map(([key, name]) => {
    const known = points.filter((point) => Number.isFinite(point[key]) && point[key] !== null)
    const path = line<ThresholdPoint>(
      ({ threshold }) => across(threshold),
      (point) => up(point[key]),
    )(known)
    return html`<path class="line ${name}" d="${path ?? ''}" />`
  })
  const marker =
    best !== undefined &&
    html`<line class="marker" x1="${across(best)}" x2="${across(best)}" y1="${up(0)}" y2="${up(1)}">
      <title>highest F1 from ${figure(best)} on</title>
    </line>`
  return unitChart('Precision, recall and F1 by threshold', 'threshold', 'score', html`${marker}${paths}`)
}

export const thresholdLegend = html`<p class="legend">
  <span class="key first">precision</span> <span class="key second">recall</span> <span class="key third">F1</span>
  <span class="key marker">highest F1</span>
</p>`

/** Of more classes than this the matrix has colours only. */
export const cellsWithNumbers = 20

/** Rows: the label, columns: the prediction; colours by share of the row. */
export function confusionChart({ classes, counts }: ConfusionMatrix<string>): Markup {
  const numbered = classes.length <= cellsWithNumbers
  const size = numbered ? Math.max(40, Math.min(72, 420 / classes.length)) : Math.max(4, 640 / classes.length)
  const names = classes.map((name) => short(name, 28))
  const room = numbered ? 20 + 7.2 * (max(names, (name) => name.length) ?? 0) : 24
  const side = size * classes.length
  const place = scaleBand(
    classes.map((_, i) => i),
    [room, room + side],
  ).padding(numbered ? 0.04 : 0)
  const totals = counts.map((row) => row.reduce((sum, cell) => sum + cell, 0))
  const cells = counts.flatMap((row, i) =>
    row.map((cell, j) => {
      const share = cell / Math.max(totals[i] ?? 0, 1)
      const [x, y] = [place(j) ?? 0, place(i) ?? 0]
      const middle = place.bandwidth() / 2
      return html`<g>
        <title>
          ${classes[i]} predicted as ${classes[j]}: ${count(cell)} of ${count(totals[i] ?? 0)} (${percent(share)})
        </title>
        <rect class="back" x="${x}" y="${y}" width="${place.bandwidth()}" height="${place.bandwidth()}" />
        <rect
          class="${i === j ? 'right' : 'wrong'}"
          x="${x}"
          y="${y}"
          width="${place.bandwidth()}"
          height="${place.bandwidth()}"
          fill-opacity="${share === 0 ? 0 : (0.12 + 0.88 * share).toFixed(3)}"
        />
        ${
          numbered &&
          html`<text
            class="${share > 0.55 ? 'over' : 'cell'}"
            x="${x + middle}"
            y="${y + middle + 4}"
            text-anchor="middle"
          >
            ${count(cell)}
          </text>`
        }
      </g>`
    }),
  )
  const labels =
    numbered &&
    names.map((name, i) => {
      const middle = (place(i) ?? 0) + place.bandwidth() / 2
      return html`<text class="tick" x="${room - 8}" y="${middle + 4}" text-anchor="end">${name}</text>
        <text class="tick" transform="translate(${middle + 4} ${room - 8}) rotate(-90)">${name}</text>`
    })
  return html`<svg
    class="matrix"
    viewBox="0 0 ${(room + side).toFixed(0)} ${(room + side).toFixed(0)}"
    style="width: ${(room + side).toFixed(0)}px"
    role="img"
    aria-label="Confusion matrix"
  >
    ${labels}${cells}
  </svg>`
}

/** A value from 0 to 1 and the interval around it. */
export function intervalBar({ value, low, high }: { value: number; low: number; high: number }): Markup {
  const at = scaleLinear([0, 1], [4, 136]).clamp(true)
  return html`<svg class="interval" viewBox="0 0 140 16" width="140" height="16" aria-hidden="true">
    <line class="grid" x1="4" x2="136" y1="8" y2="8" />
    <line class="range" x1="${at(low).toFixed(1)}" x2="${at(high).toFixed(1)}" y1="8" y2="8" />
    <line class="at" x1="${at(value).toFixed(1)}" x2="${at(value).toFixed(1)}" y1="2" y2="14" />
  </svg>`
}
