/** What the examples' configs read has no errors, and its rows are counted. The datasets lie outside the repository. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InspectionReport } from '../../lib/inspect/inspection-report.js'
import { jsonLines, runAttune } from '../cli/run-attune.js'
import { exampleConfigs, exampleName, exampleRows, LinkedConfigs } from '../example-configs.js'
import { examplesFolder, sharedDatasets, sharedDatasetsMissing } from '../shared-datasets.js'

const model = join(examplesFolder, '..', 'models', 'attune-base')

/** Sets that are inspected for the embedded model too. Where rows are longer than it takes, training needs the same flag. */
const forModel: Readonly<Record<string, readonly string[]>> = {
  banking77: [],
  clinc150: [],
  'instructions-1100': [],
  'legal-overruling': [],
  'legal-unfair-tos': [],
  'openai-toy-chat': ['--truncation', 'skip'],
  'polite-preferences': [],
  'sentence-polarity': [],
  'sms-spam': [],
  'support-replies': ['--truncation', 'tail'],
  tinyshakespeare: ['--truncation', 'window'],
}

describe.skipIf(sharedDatasets === undefined)(
  `a real set has no finding of severity error ${sharedDatasetsMissing}`,
  () => {
    let configs: LinkedConfigs | undefined
    beforeAll(() => {
      configs = new LinkedConfigs()
    })
    afterAll(() => configs?.[Symbol.dispose]())

    it.each(exampleConfigs)('%s', { timeout: 120_000 }, async (file) => {
      const name = exampleName(file)
      const flags = forModel[name] === undefined ? [] : ['--model', model, ...forModel[name]]
      const { code, out, err } = await runAttune([
        ...['inspect', '--data-config', configs?.path(file) ?? '', '--json'],
        ...flags,
      ])
      expect(err).toBe('')
      const [report] = jsonLines(out) as unknown as [InspectionReport]
      expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
      expect(code).toBe(0)
      expect(report.unit).toBe(forModel[name] === undefined ? 'characters' : 'tokens')
      const { shape, train, validation, test } = exampleRows[name] ?? { shape: '', train: -1 }
      expect(report.shape).toBe(shape)
      const { rows, validationRows, testRows } = report
      // Parts that are drawn come out of the training rows.
      if (test === undefined) expect(rows + validationRows + testRows).toBe(train)
      else if (validation === undefined) expect([rows + validationRows, testRows]).toEqual([train, test])
      else expect([rows, validationRows, testRows]).toEqual([train, validation, test])
      // Of codiesp-en's codes many are in validation texts alone.
      const labelled = report.labels.reduce((sum, label) => sum + label.rows, 0)
      if (shape === 'text-label') expect(labelled).toBe(rows)
      if (name === 'codiesp-en') expect(labelled).toBe(5639)
    })
  },
)
