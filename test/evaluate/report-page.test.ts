import { describe, expect, test } from 'vitest'
import { html } from '../../lib/page/markup.js'
import { reportPage } from '../../lib/evaluate/page/report-page.js'
import type {
  EvaluationReport,
  LanguageModelReport,
  MultiLabelReport,
  RegressionReport,
  SingleLabelReport,
} from '../../lib/evaluate/report.js'

const evil = '<script>alert("x")</script> & \'more\''

const interval = (value: number) => ({
  value,
  low: value - 0.05,
  high: value + 0.04,
  standardError: 0.02,
  undefinedResamples: 0,
})

const base = {
  metrics: {},
  baselines: {},
  warnings: [{ code: 'class-absent-from-validation', message: `no rows of ${evil}` }],
  rows: 1240,
  targets: 1240,
  truncated: 3,
  truncatedTokens: 70,
  windows: 0,
  windowsLeftOut: 0,
  skipped: 0,
  seconds: 12.5,
  model: {
    directory: `models/${evil}`,
    modelType: 'bert',
    architecture: 'BertForSequenceClassification',
    labels: ['ham', evil],
    parameters: 1234567,
    dtype: 'f32',
    adapter: { rank: 8, targets: ['query', 'value'] },
  },
  data: { shape: 'text-label', files: ['rows.jsonl'], labelCounts: { ham: 900, [evil]: 340 } },
  run: {
    attune: '9.8.7',
    node: 'v20.1.2',
    platform: 'linux x64',
    date: '2026-11-22T20:40:00.000Z',
    seconds: 12.5,
    options: { confidence: 0.9, note: evil },
  },
} as const satisfies Partial<EvaluationReport>

const calibration = {
  expectedCalibrationError: 0.0321,
  maximumCalibrationError: 0.125,
  bins: [
    { lower: 0, upper: 0.5, rows: 0, confidence: NaN, accuracy: NaN },
    { lower: 0.5, upper: 1, rows: 1240, confidence: 0.8, accuracy: 0.75 },
  ],
}

const curve = [0, 0.5, 1].map((threshold) => ({ threshold, precision: 0.5, recall: 1 - threshold, fScore: 0.4 }))

const single: SingleLabelReport = {
  ...base,
  task: 'sequence-classification',
  problemType: 'single_label_classification',
  metrics: { loss: 0.3127, accuracy: 0.9134, f1: NaN },
  intervals: { accuracy: interval(0.9134) },
  custom: { 'calls a day': 12.5, more: { a: evil } },
  baselines: {
    majority: {
      description: `says ${evil}`,
      metrics: { loss: 1.7912, accuracy: 0.1717 },
      comparisons: {
        accuracy: { first: interval(0.1717), second: interval(0.9134), difference: interval(0.7417), pValue: 0.0002 },
      },
      mcnemar: { onlyFirst: 11, onlySecond: 932, pValue: 0.04 },
    },
  },
  details: {
    confusionMatrix: {
      classes: ['ham', evil],
      counts: [
        [871, 29],
        [78, 262],
      ],
    },
    perClass: [
      { label: 'ham', precision: 0.9178, recall: 0.9678, f1: 0.9421, support: 900 },
      { label: evil, precision: 0.9003, recall: 0.7706, f1: 0.8304, support: 340 },
    ],
    calibration,
    thresholdCurve: curve,
    bestThreshold: { threshold: 0.3831, f1: 0.84, support: 340 },
  },
  worst: [
    {
      row: 7,
      origin: `rows.jsonl:8 ${evil}`,
      text: evil,
      textPair: `pair ${evil}`,
      loss: 4.5678,
      label: evil,
      prediction: 'ham',
      correct: false,
      score: 0.9896,
      probabilities: { ham: 0.9896, [evil]: 0.0104 },
    },
  ],
}

describe('the page', () => {
  const page = reportPage(single)

  test.each([
    ['metrics', ['0.3127', '0.9134', 'undefined', 'calls a day', '12.50']],
    ['intervals', ['90 % interval', '0.8634 to 0.9534']],
    ['baselines', ['majority', '1.7912', '+0.7417', 'p &lt; 0.001', '932', 'p = 0.040']],
    ['classes', ['0.9421', '0.8304']],
    ['confusion', ['871 of 900', '262 of 340 (77.1 %)']],
    ['reliability', ['0.0321', '1,240 predictions with confidence 0.5000 to 1.0000: 75 % right']],
    ['thresholds', ['0.3831']],
    ['mistakes', ['4.5678', '(0.9896)', 'pair &lt;script&gt;']],
    ['model', ['1,234,567', 'rank 8 on query, value', 'BertForSequenceClassification']],
    ['data', ['rows.jsonl', 'text-label', '1,240']],
    ['run', ['9.8.7', 'v20.1.2', 'linux x64', '2026-11-22T20:40:00.000Z', '12.50']],
  ])('has what the report has: %s', (_, texts) => {
    const words = page.replace(/\s+/g, ' ')
    for (const text of texts) expect(words).toContain(text)
  })

  test('escapes every text, in elements and attributes', () => {
    expect(page).not.toContain('<script')
    expect(page).not.toContain('"x"')
    expect(
      page.match(/&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt; &amp; &#39;more&#39;/g)?.length,
    ).toBeGreaterThan(10)
    expect(html`<a title="${'"><b>'}">${["'", 1, undefined, false, html`<i>${'&'}</i>`]}</a>`.text).toBe(
      '<a title="&quot;&gt;&lt;b&gt;">&#39;1<i>&amp;</i></a>',
    )
  })

  test('needs nothing from elsewhere, and has no numbers that are none', () => {
    expect(page).not.toMatch(/https?:|src=|@import|url\(/)
    expect(page).not.toMatch(/NaN|\[object|>undefined<\/dd>/)
    expect(page.match(/<svg/g)).toHaveLength(4)
  })

  test('is the same for a report that was JSON in between', () => {
    expect(reportPage(JSON.parse(JSON.stringify(single)) as SingleLabelReport)).toBe(page)
  })

  test('of many labels has their best thresholds and the averages', () => {
    const scores = { precision: 0.81, recall: 0.72, fScore: 0.7654 }
    const report: MultiLabelReport = {
      ...base,
      task: 'sequence-classification',
      problemType: 'multi_label_classification',
      metrics: { f1: 0.7 },
      details: {
        perLabel: single.details.perClass.map((line) => ({
          ...line,
          bestThreshold: { threshold: 0.4567, f1: 0.8, support: 340 },
        })),
        averages: { micro: scores, macro: scores, weighted: scores, samples: scores },
        bestThreshold: { threshold: 0.3456, f1: 0.8, support: 340 },
        thresholdCurve: curve,
        calibration,
      },
      worst: [
        { row: 0, origin: 'rows.jsonl:1', labels: [], predictions: ['ham', 'b'], correct: false, probabilities: {} },
      ],
    }
    const text = reportPage(report).replace(/\s+/g, ' ')
    for (const part of ['0.4567', '0.3456', '0.7654', 'samples', '(none) → <strong>ham, b</strong>']) {
      expect(text).toContain(part)
    }
  })

  test('of numbers has where they lie, of texts what was written', () => {
    const spread = { mean: 3.25, standardDeviation: 1.5, min: -1, max: 7 }
    const regression: RegressionReport = {
      ...base,
      model: { ...base.model, labels: ['stars'] },
      task: 'sequence-classification',
      problemType: 'regression',
      metrics: { rmse: 0.75 },
      details: { outputs: [{ labels: spread, predictions: { ...spread, mean: 3.125 } }] },
      worst: [{ row: 0, origin: 'data[0]', labels: [4], predictions: [1.5], loss: 6.25 }],
    }
    const numbers = reportPage(regression).replace(/\s+/g, ' ')
    for (const part of ['stars expected', '3.2500', '3.1250', '−1.0000', '4.0000 → <strong>1.5000</strong>']) {
      expect(numbers).toContain(part)
    }
    const writer: LanguageModelReport = {
      ...base,
      task: 'causal-lm',
      problemType: undefined,
      metrics: { perplexity: 12.5 },
      details: {},
      worst: [
        {
          row: 0,
          origin: 'data[0]',
          perplexity: 99,
          tokens: 5,
          correctTokens: 2,
          generated: { prompt: 'p', prediction: 'wrote', reference: 'right', exactMatch: false },
        },
      ],
    }
    expect(reportPage(writer).replace(/\s+/g, ' ')).toContain('right → <strong>wrote</strong>')
  })

  test('of many classes shows the worst ones first, and the matrix in colours only', () => {
    const classes = Array.from({ length: 40 }, (_, i) => `class ${i}`)
    const counts = classes.map((_, i) => classes.map((_, j) => (i === j ? 9 : i === 3 && j === 5 ? 4 : 0)))
    const perClass = classes.map((label, i) => ({ label, precision: 1, recall: 1, f1: 1 - i / 100, support: 9 }))
    const report = { ...single, details: { ...single.details, confusionMatrix: { classes, counts }, perClass } }
    const text = reportPage(report).replace(/\s+/g, ' ')
    expect(text).toContain('The 30 with the lowest F1 of 40.')
    expect(text.indexOf('class 39<')).toBeLessThan(text.indexOf('class 12<'))
    expect(text).toContain('class 3 → class 5')
    expect(text).not.toContain('class="cell"')
  })
})
