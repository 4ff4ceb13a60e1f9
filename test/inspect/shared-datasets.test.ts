/** Real sets have no errors. They lie outside the repository; without them this is skipped. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspectData, type InspectOptions } from '../../lib/inspect/inspect-data.js'

const root = resolve(import.meta.dirname, '../..')
const folder = join(process.env['ATTUNE_SHARED'] ?? join(root, '..', 'shared'), 'datasets')
const isThere = existsSync(folder)
if (!isThere) console.warn(`skipped: no datasets in ${folder} (set ATTUNE_SHARED)`)

const sets: [name: string, file: string, options?: InspectOptions][] = [
  ['banking77', 'train.csv', { fields: { label: 'category' } }],
  ['gsm8k', 'train.jsonl.gz', { fields: { prompt: 'question', completion: 'answer' } }],
  ['instructions-1100', 'instruction-data.json'],
  ['openai-toy-chat', 'toy_chat_fine_tuning.jsonl'],
  ['polite-preferences', 'instruction-data-with-preference.json'],
  ['sms-spam', 'SMSSpamCollection', { format: 'tsv', quoted: false, fields: { label: 'Label', text: 'SMS' } }],
  [
    'support-replies',
    'Bitext_Sample_Customer_Support_Training_Dataset.csv',
    { fields: { prompt: 'instruction', completion: 'response' } },
  ],
  ['tinyshakespeare', 'input.txt', { format: 'text' }],
]

describe.skipIf(!isThere)('a real set has no finding of severity error', () => {
  it.each(sets)(
    '%s',
    { timeout: 60_000 },
    async (...[name, file, options]: [name: string, file: string, options?: InspectOptions]) => {
      const report = await inspectData(join(folder, name, file), options)
      expect(report.rows).toBeGreaterThan(0)
      expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    },
  )
})
