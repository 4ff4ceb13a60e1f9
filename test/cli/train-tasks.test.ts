/** `attune train` for tasks with labels. */
import { mkdtemp, readFile, rm, writeFile, cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Model } from '../../lib/models/model.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'
import { runAttune } from './run-attune.js'

let directory: string
let model: string
let data: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-cli-tasks-'))
  model = join(directory, 'model')
  const size = { vocab_size: 64, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 }
  const config = { model_type: 'bert', ...size, num_attention_heads: 2, max_position_embeddings: 24 }
  await using made = await Model.fromConfig(config, { task: 'masked-lm', seed: 1, threads: 2 })
  await made.save(model)
  const letters = await writeLetterTokenizer()
  await cp(letters, model, { recursive: true })
  await rm(letters, { recursive: true })
  data = join(directory, 'rows.jsonl')
  const rows = Array.from({ length: 40 }, (_, i) => ({
    text: i % 2 === 0 ? 'ab' : 'yz',
    label: i % 2 === 0 ? 'low' : 'high',
  }))
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const attune = (...argv: string[]) => runAttune(argv)

describe('attune train', () => {
  it('makes a classifier of the labels in the rows, with all that goes with it', async () => {
    const output = join(directory, 'out')
    const flags = ['--metric-for-best', 'f1', '--class-weights', 'balanced', '--layerwise-decay', '0.8']
    const stopping = ['--early-stopping', '{"patience":2,"metric":"accuracy"}', '--neftune-alpha', '2']
    const { code, out, err } = await attune(
      'train', '--model', model, '--data', data, '--validation', '0.2', '--task', 'sequence-classification',
      '--unfreeze', '{"every":"epoch"}', '--learning-rate', '0.01', '--epochs', '4', '--output', output, '--json',
      ...flags, ...stopping,
    ) // prettier-ignore
    expect(err).toBe('')
    expect(code).toBe(0)
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as TrainingEvent)
    expect(events.some((event) => event.type === 'unfreeze')).toBe(true)
    expect(events.some((event) => event.type === 'warning' && event.code === 'new-head')).toBe(true)
    const evaluation = events.find((event) => event.type === 'evaluation')
    expect(Object.keys(evaluation!.metrics)).toEqual(expect.arrayContaining(['loss', 'f1', 'accuracy']))
    const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8')) as Record<string, unknown>
    expect(config).toMatchObject({
      id2label: { 0: 'high', 1: 'low' },
      architectures: ['BertForSequenceClassification'],
    })
    const parts = join(directory, 'parts.json')
    await writeFile(parts, '{ "data": "rows.jsonl", "test": 8, "stratify": "label" }')
    const measured = await attune('evaluate', '--model', output, '--data-config', parts, '--json')
    expect(measured.err).toContain('the 8 rows of')
    expect(JSON.parse(measured.out)).toMatchObject({ type: 'evaluation', rows: 8 })
  })

  it('takes the labels that are named, and says which row has another', async () => {
    const { code, err } = await attune(
      'plan', '--model', model, '--data', data, '--task', 'sequence-classification', '--labels', 'low,middle',
    ) // prettier-ignore
    expect(code).not.toBe(0)
    expect(err).toContain("label 'high' is none of the model's 2 (low, middle)")
    expect(err).toContain('rows.jsonl:2')
  })

  it('refuses a stride that has no effect, and plans windows', async () => {
    const classifier = ['--model', model, '--data', data, '--task', 'sequence-classification', '--labels', 'high,low']
    const refused = await attune('plan', ...classifier, '--stride', '2', '--json')
    expect(refused.code).not.toBe(0)
    expect(refused.err).toContain('options.stride')
    const flags = ['--truncation', 'window', '--max-length', '4', '--stride', '1', '--json']
    const planned = await attune('plan', '--no-measure', ...classifier, ...flags)
    expect(planned.err).not.toContain('options.stride')
    expect((JSON.parse(planned.out) as { longest: number }).longest).toBeLessThanOrEqual(4)
  })

  it('draws rows for validation by class, by group and by time, or as a config of the data says', async () => {
    const dated = join(directory, 'dated.jsonl')
    const rows = Array.from({ length: 40 }, (_, i) => ({ text: 'ab', label: i % 2, patient: i >> 2, day: 100 - i }))
    await writeFile(dated, rows.map((row) => JSON.stringify(row)).join('\n'))
    const config = join(directory, 'data.json')
    await writeFile(config, '{ "data": "dated.jsonl", "validation": 6, "groupBy": "patient" }')
    const planned = async (...flags: string[]): Promise<{ code: number; rows: unknown; err: string }> => {
      const classifier = ['--model', model, '--task', 'sequence-classification', '--labels', '0,1', '--json']
      const { code, out, err } = await attune('plan', '--no-measure', ...classifier, ...flags)
      return { code, err, rows: code === 0 ? (JSON.parse(out) as { rows: unknown }).rows : undefined }
    }
    const file = ['--data', dated, '--validation', '6']
    expect(await planned(...file, '--stratify', 'label', '--split-seed', '7')).toMatchObject({ rows: 34 })
    // Groups are of four rows each.
    expect(await planned(...file, '--group-by', 'patient')).toMatchObject({ rows: 36 })
    expect(await planned(...file, '--order-by', 'day')).toMatchObject({ rows: 34 })
    expect(await planned('--data-config', config)).toMatchObject({ rows: 36 })
    const inspected = await attune('inspect', '--data-config', config, '--json')
    expect(JSON.parse(inspected.out)).toMatchObject({ rows: 36, validationRows: 4 })
    const wrong = await planned(...file, '--order-by', 'date')
    expect(wrong.code).not.toBe(0)
    expect(wrong.err).toContain("'date'")
    expect((await planned(...file, '--data-config', config)).err).toContain('leave them out')
  })
})
