/** An inspection as one page that needs nothing else. */
import { facts } from '../../page/facts.js'
import { count, percent, short } from '../../page/figures.js'
import type { RowReason } from '../../errors.js'
import { html, type Content, type Markup } from '../../page/markup.js'
import { page } from '../../page/page.js'
import { plainTable } from '../../page/plain-table.js'
import { section } from '../../page/section.js'
import { counted } from '../counted.js'
import type { Finding, FindingPlace } from '../finding.js'
import type { InspectionReport } from '../inspection-report.js'
import type { ShownExample } from '../show-row.js'
import { histogramChart } from './histogram-chart.js'
import { labelChart } from './label-chart.js'

/** Holds whatever the report holds. */
export function inspectionPage(report: InspectionReport): string {
  const { files, counts, verdict, reading, labels, lengths, unit } = report
  // The whole paths stand further below.
  const named = files.map(({ path }) => path.split(/[/\\]/).at(-1) ?? '').filter((name) => name !== '')
  const title =
    named.length === 0 ? 'Inspection of rows' : `Inspection of ${short([...new Set(named)].join(', '), 120)}`
  const tone = counts.error > 0 ? 'error' : counts.warning > 0 ? 'warning' : 'good'
  return page(
    title,
    html`<p class="soft">${reading}</p>
      <p class="${tone} verdict">${verdict}</p>`,
    section('Findings', report.findings.length > 0 && report.findings.map(findingBlock)),
    section('Data', overview(report)),
    section(`${unit === 'tokens' ? 'Tokens' : 'Characters'} per example`, lengths !== undefined && lengthBlock(report)),
    section('Labels', labels.length > 0 && labelChart(labels)),
    section('Examples', report.examples.length > 0 && examples(report.examples)),
  )
}

function findingBlock({ code, severity, message, advice, where, reasons, count: total }: Finding): Markup {
  const more = total - where.length
  return html`<div class="finding ${severity}">
    <p><strong>${severity}</strong> ${message} <code class="soft">${code}</code></p>
    ${advice !== '' && html`<p class="soft">${advice}</p>`}
    ${
      where.length > 0 &&
      html`<details ${severity === 'error' && 'open'}>
        <summary>
          ${more > 0 && reasons === undefined ? `the first ${where.length} of ${count(total)}` : 'where'}
        </summary>
        <ul>
          ${reasons === undefined ? where.map(placeItem) : reasonItems(reasons, total)}
        </ul>
      </details>`
    }
  </div>`
}

function placeItem({ origin, what }: FindingPlace): Markup {
  return html`<li><code>${origin}</code>${what !== undefined && html`: ${short(what, 400)}`}</li>`
}

/** What is true of several rows is said once, the first of them under it. */
function reasonItems(reasons: readonly RowReason[], total: number): Content {
  const items = reasons.map(({ what, origins, count: times }) => {
    const [origin = ''] = origins
    if (times === 1) return placeItem({ origin, what })
    const left = times - origins.length
    return html`<li>
      ${short(what, 400)}
      <ul>
        ${origins.map((row) => placeItem({ origin: row }))}
        ${left > 0 && html`<li class="soft">and ${count(left)} more</li>`}
      </ul>
    </li>`
  })
  const left = total - reasons.reduce((sum, reason) => sum + reason.count, 0)
  return [items, left > 0 && html`<li class="soft">and ${count(left)} more</li>`]
}

function overview(report: InspectionReport): Content {
  const { files, rows, validationRows, testRows, unreadable, shape, ignoredFields, lengths, unit } = report
  const { trained, truncation, hosted } = report
  const one = files.length === 1 ? files[0]?.path : undefined
  return [
    facts([
      ['file', one !== undefined && one !== '' && one],
      ['rows', count(rows)],
      ['to validate on', validationRows > 0 && count(validationRows)],
      ['to test on', testRows > 0 && count(testRows)],
      ['cannot be read', unreadable > 0 && count(unreadable)],
      ['shape', shape],
      ['task', report.task],
      ['not read', ignoredFields.length > 0 && ignoredFields.map(({ name }) => name).join(', ')],
      [`${unit} an epoch`, lengths !== undefined && count(lengths.total)],
      ['trained an epoch', trained !== undefined && count(trained)],
      [
        `longer than ${count(truncation?.maxLength ?? 0)} tokens`,
        truncation !== undefined &&
          (truncation.rows === 0
            ? 'no row'
            : `${counted(truncation.rows, 'row')}, by ${counted(truncation.tokens, 'token')} (truncation: ${truncation.truncation}${truncation.windows === undefined ? '' : `, ${counted(truncation.windows, 'window')}`})`),
      ],
      ['written in', report.scripts.length > 0 && scripts(report)],
      [
        'data about persons',
        report.personalData.length > 0 &&
          report.personalData.map((one) => `${count(one.count)} ${one.kind}`).join(', '),
      ],
      ['not compared for near duplicates', report.notCompared > 0 && `${count(report.notCompared)} rows`],
      [
        "hosted service's auto",
        hosted !== undefined &&
          `${hosted.epochs} epochs, batch size ${hosted.batchSize}, learning-rate multiplier ${hosted.learningRateMultiplier}${hosted.billedTokens === undefined ? '' : `; ${count(hosted.billedTokens)} tokens billed`}`,
      ],
    ]),
    files.length > 1 &&
      html`<details>
        <summary>${files.length} files</summary>
        ${plainTable(
          ['file', 'rows', 'cannot be read'],
          files.map((file) => [file.path, count(file.rows), count(file.unreadable)]),
        )}
      </details>`,
  ]
}

function scripts({ scripts: list }: InspectionReport): string {
  const letters = list.reduce((sum, { characters }) => sum + characters, 0)
  return list.map(({ script, characters }) => `${script} ${percent(characters / letters)}`).join(', ')
}

function lengthBlock({ lengths, unit, longest }: InspectionReport): Content {
  if (lengths === undefined) return undefined
  return [
    lengths.min < lengths.max && [
      histogramChart(lengths, unit),
      html`<p class="soft">The dotted lines are the median and the length that 95 % of the examples do not exceed.</p>`,
    ],
    facts([
      ['mean', count(Math.round(lengths.mean))],
      ['median', count(Math.round(lengths.median))],
      ['95 % have no more than', count(Math.round(lengths.p95))],
      ['least and most', `${count(lengths.min)} and ${count(lengths.max)}`],
    ]),
    html`<details>
      <summary>the longest rows</summary>
      ${plainTable(
        ['row', unit],
        longest.map(({ origin, length }) => [origin, count(length)]),
      )}
    </details>`,
  ]
}

function examples(list: readonly ShownExample[]): Content {
  return [
    html`<p class="soft">What is marked the model learns to write; the rest it only reads.</p>`,
    list.map(
      ({ origin, pieces, answer }) =>
        html`<p class="soft"><code>${origin}</code></p>
          <pre>
${pieces.map(({ text, trained }) => (trained ? html`<mark>${text}</mark>` : text))}${
              answer !== undefined && ['\n', html`<mark>${answer}</mark>`]
            }</pre>`,
    ),
  ]
}
