/** What a report says beyond its metrics, by task. */
import type { ClassReport } from '../tasks/class-report.js'
import type { Calibration } from '../metrics/calibration.js'
import type { ConfusionMatrix } from '../metrics/confusion-matrix.js'
import type { ThresholdPoint } from '../metrics/thresholds.js'
import type { EvaluationReport } from '../report.js'
import { cellsWithNumbers, confusionChart, reliabilityChart, thresholdChart, thresholdLegend } from './charts.js'
import { count, figure, percent } from '../../page/figures.js'
import { html, type Content } from '../../page/markup.js'
import { plainTable } from '../../page/plain-table.js'
import { section } from '../../page/section.js'

export function taskSections(report: EvaluationReport): Content {
  switch (report.task) {
    case 'sequence-classification':
      return classificationSections(report)
    case 'token-classification': {
      const { entities, perClass, confusionMatrix } = report.details
      const types = entities?.perType.map(({ type, fScore, ...rest }) => ({ label: type, f1: fScore, ...rest }))
      return [
        types !== undefined && section('Entities by type', classTable(types)),
        section('Tags, by token', classTable(perClass)),
        confusionSection(confusionMatrix, 'tokens'),
      ]
    }
    case 'question-answering': {
      const parts = Object.entries({
        'with an answer': report.details.hasAnswer,
        'without one': report.details.noAnswer,
      })
      const lines = parts.flatMap(([name, part]) =>
        part === undefined ? [] : [[name, figure(part.exactMatch / 100), figure(part.f1 / 100), count(part.rows)]],
      )
      return section('Questions', lines.length > 0 && plainTable(['', 'exact match', 'F1', 'rows'], lines))
    }
    case 'embedding': {
      const lines = Object.entries(report.details).map(([name, { mean, standardDeviation, min, max }]) => [
        name,
        ...[mean, standardDeviation, min, max].map(figure),
      ])
      return section('Cosine similarities', plainTable(['of anchors to', 'mean', 'deviation', 'least', 'most'], lines))
    }
    case 'causal-lm':
    case 'masked-lm':
    case 'seq2seq-lm':
      return undefined
  }
}

function classificationSections(report: Extract<EvaluationReport, { task: 'sequence-classification' }>): Content {
  switch (report.problemType) {
    case 'single_label_classification': {
      const { perClass, confusionMatrix, calibration, thresholdCurve, bestThreshold } = report.details
      return [
        section('Classes', classTable(perClass)),
        confusionSection(confusionMatrix, 'rows'),
        curveSections(calibration, thresholdCurve, bestThreshold?.threshold),
      ]
    }
    case 'multi_label_classification': {
      const { perLabel, averages, calibration, thresholdCurve, bestThreshold } = report.details
      const means = Object.entries(averages).map(([name, { precision, recall, fScore }]) => [
        name,
        ...[precision, recall, fScore].map(figure),
      ])
      return [
        section(
          'Labels',
          classTable(perLabel.map(({ bestThreshold: own, ...line }) => ({ ...line, threshold: own.threshold }))),
        ),
        section('Averages', plainTable(['', 'precision', 'recall', 'F1'], means)),
        curveSections(calibration, thresholdCurve, bestThreshold.threshold),
      ]
    }
    case 'regression': {
      const lines = report.details.outputs.flatMap(({ labels, predictions }, i) =>
        Object.entries({ expected: labels, predicted: predictions }).map(([name, spread]) => [
          `${report.model.labels[i] ?? i} ${name}`,
          ...[spread.mean, spread.standardDeviation, spread.min, spread.max].map(figure),
        ]),
      )
      return section('Outputs', plainTable(['', 'mean', 'deviation', 'least', 'most'], lines))
    }
  }
}

function confusionSection(matrix: ConfusionMatrix<string>, what: string): Content {
  const pairs = matrix.counts
    .flatMap((row, i) => row.map((cell, j) => ({ cell, i, j, total: row.reduce((sum, each) => sum + each, 0) })))
    .filter(({ cell, i, j }) => cell > 0 && i !== j)
    .sort((a, b) => b.cell - a.cell)
    .slice(0, 10)
  const lines = pairs.map(({ cell, i, j, total }) => [
    `${matrix.classes[i] ?? ''} → ${matrix.classes[j] ?? ''}`,
    count(cell),
    percent(cell / total),
  ])
  return section(
    'Confusion matrix',
    html`<p class="soft">
        A line is a label, a column what was predicted; the colour is the share of the label’s ${what}.
      </p>
      <div class="wide">${confusionChart(matrix)}</div>`,
    lines.length > 0 &&
      html`<details ${matrix.classes.length > cellsWithNumbers && 'open'}>
        <summary>what is mistaken most often</summary>
        ${plainTable(['label → prediction', what, 'of the label'], lines)}
      </details>`,
  )
}

function curveSections(
  calibration: Calibration,
  points: readonly ThresholdPoint[] | undefined,
  best: number | undefined,
): Content {
  return section(
    points === undefined ? 'Reliability' : 'Reliability and thresholds',
    html`<div class="charts">
      <div>
        ${reliabilityChart(calibration)}
        <p class="soft">
          On the dashed line, predictions are right as often as the model is sure. Expected calibration error
          ${figure(calibration.expectedCalibrationError)}, largest ${figure(calibration.maximumCalibrationError)}.
        </p>
      </div>
      ${
        points !== undefined &&
        html`<div>
          ${thresholdChart(points, best)} ${thresholdLegend}
          <p class="soft">${best !== undefined && `The highest F1 on these rows comes from ${figure(best)} on.`}</p>
        </div>`
      }
    </div>`,
  )
}

/** A class, with its best threshold where there is one. */
type ClassLine = ClassReport & { readonly threshold?: number }

const linesShown = 30

/** The lowest F1 first, where there are many. */
function classTable(lines: readonly ClassLine[]): Content {
  const withThreshold = lines.some(({ threshold }) => threshold !== undefined)
  const cells = ({ label, precision, recall, f1, support, threshold }: ClassLine): string[] => [
    label,
    ...[precision, recall, f1].map(figure),
    count(support),
    ...(withThreshold ? [figure(threshold)] : []),
  ]
  const head = ['', 'precision', 'recall', 'F1', 'support', ...(withThreshold ? ['best threshold'] : [])]
  if (lines.length <= linesShown) return plainTable(head, lines.map(cells))
  const sorted = [...lines].sort((a, b) => a.f1 - b.f1)
  return html`<p class="soft">The ${linesShown} with the lowest F1 of ${lines.length}.</p>
    ${plainTable(head, sorted.slice(0, linesShown).map(cells))}
    <details>
      <summary>the other ${lines.length - linesShown}</summary>
      ${plainTable(head, sorted.slice(linesShown).map(cells))}
    </details>`
}
