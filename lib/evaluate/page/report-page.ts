/** An evaluation as one page that needs nothing else: no network, no script, light and dark. */
import type { Interval } from '../metrics/bootstrap.js'
import type { BaselineReport, EvaluationReport } from '../report.js'
import { intervalBar } from './charts.js'
import { count, figure, percent, pValue, signed } from '../../page/figures.js'
import { facts } from '../../page/facts.js'
import { html, type Content, type Markup } from '../../page/markup.js'
import { page } from '../../page/page.js'
import { plainTable } from '../../page/plain-table.js'
import { mistakesOf } from './mistakes.js'
import { section } from '../../page/section.js'
import { taskSections } from './task-sections.js'

/** Holds whatever the report holds; of records only the worst. */
export function reportPage(report: EvaluationReport): string {
  const { model, data, rows, targets, truncated, truncatedTokens, skipped, warnings, run } = report
  const name = model.directory ?? model.architecture
  const counted = targets === rows ? '' : `, ${count(targets)} labelled tokens`
  return page(
    `Evaluation of ${name}`,
    html`
      <p class="soft">${report.task}, ${count(rows)} rows${counted}, ${run.date.slice(0, 10)}</p>
      ${warnings.map(({ message }) => html`<p class="warning">${message}</p>`)}
      ${section('Metrics', metricTable(report))} ${baselineSection(report)} ${taskSections(report)}
      ${section('Highest losses', mistakesOf(report))}
      ${section(
        'Model',
        facts([
          ['directory', model.directory ?? 'none'],
          ['architecture', `${model.architecture} (${model.modelType})`],
          ['parameters', count(model.parameters)],
          ['dtype', model.dtype],
          ['adapter', model.adapter && `rank ${model.adapter.rank} on ${model.adapter.targets.join(', ')}`],
          ['labels', model.labels.length > 0 && labelList(model.labels)],
        ]),
      )}
      ${section(
        'Data',
        facts([
          ['files', data.files.length > 0 ? data.files.join(', ') : 'none: rows in memory'],
          ['shape of the rows', data.shape ?? 'encoded'],
          ['rows', count(rows)],
          ['labelled', count(targets)],
          ['cut to the longest length', truncated > 0 && `${count(truncated)}, by ${count(truncatedTokens)} tokens`],
          ['left out as too long', skipped > 0 && count(skipped)],
        ]),
        labelTable(data.labelCounts),
      )}
      ${section(
        'How it was run',
        facts([
          ['date', run.date],
          ['attune', run.attune],
          ['Node.js', run.node],
          ['platform', run.platform],
          ['seconds', figure(run.seconds)],
        ]),
        html`<pre>${JSON.stringify(run.options, undefined, 2)}</pre>`,
      )}
    `,
  )
}

/** Metrics that are no shares: their intervals are not drawn between 0 and 1. */
const unbounded = /^(loss|perplexity|mse|rmse|mae|r2|mcc|cohen-kappa|pearson|spearman|bleu|chrf|ter)/

/** A line a metric: its value, its interval, and what the baselines have. */
function metricTable({ metrics, intervals = {}, baselines, run, custom = {} }: EvaluationReport): Markup {
  const { confidence } = run.options
  const others = Object.entries(baselines)
  const ranges = intervals as Readonly<Record<string, Interval | undefined>>
  const hasRanges = Object.keys(ranges).length > 0
  const rangeHead = typeof confidence === 'number' ? `${percent(confidence)} interval` : 'interval'
  const lines = Object.entries(metrics).map(([name, value]) => {
    const range = ranges[name]
    const drawn = range !== undefined && !unbounded.test(name)
    return html`<tr>
      <th scope="row">${name}</th>
      <td class="number best">${figure(value)}</td>
      ${
        hasRanges &&
        html`<td class="number">${range && `${figure(range.low)} to ${figure(range.high)}`}</td>
          <td>${drawn && intervalBar(range)}</td>`
      }
      ${others.map(([, baseline]) => html`<td class="number">${name in baseline.metrics && figure(baseline.metrics[name])}</td>`)}
    </tr>`
  })
  const own = Object.entries(custom).map(
    ([name, value]) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td class="number best">
          ${typeof value === 'number' ? figure(value) : html`<code>${JSON.stringify(value)}</code>`}
        </td>
      </tr>`,
  )
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th></th>
          <th class="number">model</th>
          ${
            hasRanges &&
            html`<th class="number">${rangeHead}</th>
              <th></th>`
          }
          ${others.map(([name]) => html`<th class="number">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${lines}${own}
      </tbody>
    </table>
  </div>`
}

/** Whether fine-tuning was worth it. */
function baselineSection({ baselines }: EvaluationReport): Content {
  const all = Object.entries(baselines)
  return section('Beside baselines', all.length > 0 && all.map(([name, baseline]) => besideBaseline(name, baseline)))
}

function besideBaseline(name: string, { description, comparisons = {}, mcnemar }: BaselineReport): Markup {
  const lines = Object.entries(comparisons).map(
    ([metric, { first, second, difference, pValue: p }]) =>
      html`<tr>
        <th scope="row">${metric}</th>
        <td class="number">${figure(first.value)}</td>
        <td class="number">${figure(second.value)}</td>
        <td class="number best">${signed(difference.value)}</td>
        <td class="number">${signed(difference.low)} to ${signed(difference.high)}</td>
        <td class="number">${pValue(p)}</td>
      </tr>`,
  )
  const head = [name, 'model', 'difference', 'interval', 'chance']
  return html`<p><strong>${name}</strong>: ${description}.</p>
    ${
      mcnemar &&
      html`<p>
        The model is right where it is wrong in ${count(mcnemar.onlySecond)} rows, and wrong where it is right in
        ${count(mcnemar.onlyFirst)} (McNemar’s test: ${pValue(mcnemar.pValue)}).
      </p>`
    }
    ${
      lines.length > 0 &&
      html`<div class="wide">
        <table>
          <thead>
            <tr>
              <th></th>
              ${head.map((title) => html`<th class="number">${title}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${lines}
          </tbody>
        </table>
      </div>`
    }`
}

const labelsShown = 30

function labelList(labels: readonly string[]): Content {
  const all = labels.join(', ')
  if (labels.length <= labelsShown) return all
  return html`<details>
    <summary>${labels.length} labels</summary>
    ${all}
  </details>`
}

function labelTable(counts: Readonly<Record<string, number>> | undefined): Content {
  if (counts === undefined) return undefined
  const entries = Object.entries(counts)
  const lines = entries.map(([label, rows]) => [label, count(rows)])
  return html`<details>
    <summary>how often each of ${entries.length} labels occurs</summary>
    ${plainTable(['label', 'in the data'], lines)}
  </details>`
}
