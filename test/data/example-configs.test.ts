/** The configs in examples/data load the datasets beside the repository, with the rows that each SOURCE.md counts. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { loadDatasetConfig } from '../../lib/data/dataset-config.js'
import type { DatasetSplit } from '../../lib/data/dataset.js'
import { examplesFolder, sharedDatasets, sharedDatasetsMissing } from '../shared-datasets.js'

interface Expected {
  readonly shape: string
  readonly train: number
  readonly validation?: number
  readonly test?: number
}

// Of sets without splits of their own, `train` is all rows.
const expected: Readonly<Record<string, Expected>> = {
  'advising-sql': { shape: 'prompt-completion', train: 2629, validation: 229, test: 573 },
  banking77: { shape: 'text-label', train: 10003, test: 3080 },
  clinc150: { shape: 'text-label', train: 15100, validation: 3100, test: 5500 },
  'codiesp-en': { shape: 'text-labels', train: 500, validation: 250, test: 250 },
  'e2e-nlg': { shape: 'prompt-completion', train: 42061, validation: 4672, test: 4693 },
  gsm8k: { shape: 'prompt-completion', train: 7473, test: 1319 },
  'instructions-1100': { shape: 'messages', train: 1100 },
  'legal-overruling': { shape: 'text-label', train: 2400 },
  'legal-unfair-tos': { shape: 'text-label', train: 3850 },
  'medquad-part': { shape: 'prompt-completion', train: 4090 },
  'openai-toy-chat': { shape: 'messages', train: 5 },
  'polite-preferences': { shape: 'preference', train: 1100 },
  pubmedqa: { shape: 'text-label', train: 500, test: 500 },
  'schema-guided-dialogue': { shape: 'messages', train: 1024, test: 512 },
  'sentence-polarity': { shape: 'text-label', train: 10662 },
  'sms-spam': { shape: 'text-label', train: 5574 },
  'support-replies': { shape: 'prompt-completion', train: 4514 },
  'tatoeba-swe-eng': { shape: 'source-target', train: 25286 },
  tinyshakespeare: { shape: 'text', train: 7222 },
}

const configs = readdirSync(examplesFolder).filter((file) => ['.json', '.mjs'].includes(extname(file)))

test('there is a config of at most five lines for every set', () => {
  expect(configs.map((file) => basename(file, extname(file))).sort()).toEqual(Object.keys(expected).sort())
  for (const file of configs) {
    const lines = readFileSync(join(examplesFolder, file), 'utf8').trimEnd().split('\n')
    expect(lines.length, file).toBeLessThanOrEqual(5)
  }
})

describe.skipIf(sharedDatasets === undefined)(`example configs ${sharedDatasetsMissing}`, () => {
  let folder = ''
  // As they lie in the repository, whose neighbour may be elsewhere on this machine.
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'attune-configs-'))
    mkdirSync(join(folder, 'repository', 'examples'), { recursive: true })
    cpSync(examplesFolder, join(folder, 'repository', 'examples', 'data'), { recursive: true })
    mkdirSync(join(folder, 'shared'))
    symlinkSync(sharedDatasets ?? '', join(folder, 'shared', 'datasets'))
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const load = (file: string): Promise<DatasetSplit> =>
    loadDatasetConfig(join(folder, 'repository', 'examples', 'data', file))

  test.each(configs)('%s', async (file) => {
    const { train, validation, test: held } = await load(file)
    const { shape, ...counts } = expected[basename(file, extname(file))] ?? { shape: '', train: -1 }
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
