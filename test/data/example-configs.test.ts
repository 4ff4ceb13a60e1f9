/** The configs in examples/data load the datasets beside the repository, with the rows that each SOURCE.md counts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { loadDatasetConfig } from '../../lib/data/load-dataset-config.js'
import type { DatasetSplit } from '../../lib/data/dataset.js'
import { exampleConfigs, exampleName, exampleRows, LinkedConfigs } from '../example-configs.js'
import { examplesFolder, sharedDatasets, sharedDatasetsMissing } from '../shared-datasets.js'

test('there is a config of at most five lines for every set', () => {
  expect(exampleConfigs.map(exampleName).sort()).toEqual(Object.keys(exampleRows).sort())
  for (const file of exampleConfigs) {
    const lines = readFileSync(join(examplesFolder, file), 'utf8').trimEnd().split('\n')
    expect(lines.length, file).toBeLessThanOrEqual(5)
  }
})

describe.skipIf(sharedDatasets === undefined)(`example configs ${sharedDatasetsMissing}`, () => {
  let configs: LinkedConfigs | undefined
  beforeAll(() => {
    configs = new LinkedConfigs()
  })
  afterAll(() => configs?.[Symbol.dispose]())
  const load = (file: string): Promise<DatasetSplit> => loadDatasetConfig(configs?.path(file) ?? '')

  test.each(exampleConfigs)('%s', async (file) => {
    const { train, validation, test: held } = await load(file)
    const { shape, ...counts } = exampleRows[exampleName(file)] ?? { shape: '', train: -1 }
    expect(train.shape).toBe(shape)
    const parts = [counts.train, counts.validation ?? 0, counts.test ?? 0]
    const loaded = [train.length, validation.length, held.length]
    // Parts that are drawn come out of the training rows.
    if (counts.test === undefined) expect(loaded.reduce((sum, count) => sum + count)).toBe(counts.train)
    else if (counts.validation === undefined)
      expect([train.length + validation.length, held.length]).toEqual([parts[0], parts[2]])
    else expect(loaded).toEqual(parts)
  })

  test('what the modules make of the files', async () => {
    const [codes, facts, queries, calls] = await Promise.all(
      ['codiesp-en.mjs', 'e2e-nlg.mjs', 'advising-sql.mjs', 'schema-guided-dialogue.mjs'].map(load),
    )
    const countLabels = (part: DatasetSplit['train'] | undefined): number | undefined =>
      part?.rows.reduce((sum, row) => sum + ('labels' in row ? row.labels.length : 0), 0)
    expect([codes?.train, codes?.validation, codes?.test].map(countLabels)).toEqual([5639, 2677, 2842])
    // The archive has the validation rows in both notations, so that the same facts are written the same way.
    const prompts = new Set(facts?.train.rows.map((row) => ('prompt' in row ? row.prompt : '')))
    expect([...prompts].every((prompt) => typeof prompt === 'string' && / : /.test(prompt) && !/__/.test(prompt))).toBe(
      true,
    )
    expect(facts?.validation.rows[0]).toEqual({
      prompt: 'name : Alimentum | area : city centre | family friendly : no',
      completion: 'There is a place in the city centre , Alimentum , that is not family - friendly .',
    })
    expect(queries?.train.rows[0]).toMatchObject({ prompt: 'Can undergrads take 550 ?' })
    const count = (part: DatasetSplit['train'] | undefined): number | undefined =>
      part?.rows.reduce(
        (sum, row) => sum + ('messages' in row ? row.messages.filter((message) => 'tool_calls' in message).length : 0),
        0,
      )
    expect([count(calls?.train), count(calls?.test)]).toEqual([2221, 796])
  })
})
