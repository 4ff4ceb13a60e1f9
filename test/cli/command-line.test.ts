import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TrainingEvent } from '../../lib/train/events.js'
import { tinyConfig } from '../tiny-model.js'
import { Model } from '../../lib/models/model.js'
import { jsonLines, runAttune } from './run-attune.js'

let directory: string
let model: string
let data: string

// A tokenizer of single letters, enough for the commands to run on.
const letters = ' abcdefghijklmnopqrstuvwxyz.'.split('')
const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [
    { id: 0, content: '</s>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'Split', pattern: { Regex: '' }, behavior: 'Isolated', invert: false },
  post_processor: null,
  decoder: { type: 'Fuse' },
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(['</s>', ...letters].map((token, id) => [token, id])),
    unk_token: '</s>',
  },
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-cli-'))
  model = join(directory, 'model')
  await using made = await Model.fromConfig({ ...tinyConfig, vocab_size: letters.length + 1 }, { seed: 1, threads: 2 })
  await made.save(model)
  await writeFile(join(model, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(model, 'tokenizer_config.json'), JSON.stringify({ eos_token: '</s>' }))
  data = join(directory, 'rows.jsonl')
  const rows = Array.from({ length: 60 }, (_, i) => ({
    prompt: `say ${letters[1 + (i % 26)]} `,
    completion: 'it is well.',
  }))
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const attune = (...argv: string[]) => runAttune(argv)

describe('attune', () => {
  it('lists its commands, and each has help', async () => {
    const { code, out } = await attune('--help')
    expect(code).toBe(0)
    for (const name of ['train', 'plan', 'evaluate', 'generate', 'bench', 'doctor']) {
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
      const help = await attune(name, '--help')
      expect(help.code).toBe(0)
      expect(help.out).toContain('--json')
    }
  })

  it('evaluates a classifier: a table, and each row in a file', async () => {
    const rows = join(directory, 'labelled.jsonl')
    const records = join(directory, 'records.jsonl')
    const page = join(directory, 'report.html')
    const labelled = ['it is well.', 'no.', 'say so.'].map((text, i) => ({ text, label: i === 1 ? 'bad' : 'good' }))
    await writeFile(rows, labelled.map((row) => JSON.stringify(row)).join('\n'))
    const task = ['--task', 'sequence-classification', '--labels', 'bad,good']
    const { code, out } = await attune(
      ...['evaluate', '--model', model, '--data', rows, ...task],
      ...['--metrics', 'loss,accuracy', '--confidence', '0.9', '--resamples', '20', '--records', records],
      ...['--report', page],
    )
    expect(code).toBe(0)
    expect(out).toMatch(/model +90% interval +majority\nloss +\d\.\d{4} +\d\.\d{4} to \d\.\d{4} +0\.6365\naccuracy /)
    expect(out).toMatch(/^good +\d\.\d{4} +\d\.\d{4} +\d\.\d{4} +2$/m)
    const written = jsonLines(await readFile(records, 'utf8'))
    expect(written).toHaveLength(3)
    expect(written[1]).toMatchObject({ origin: `${rows}:2`, text: 'no.', label: 'bad' })
    const report = await readFile(page, 'utf8')
    expect(report).toMatch(/^<!doctype html>/)
    expect(report).toContain('Confusion matrix')
  })

  it('answers each prompt of a file in a JSON line, and names those that are none', async () => {
    const prompts = join(directory, 'prompts.jsonl')
    await writeFile(prompts, '{"prompt":"say a ","id":1}\n{"text":"x"}\n{"prompt":"say b "}\n')
    const output = join(directory, 'answers.jsonl')
    const command = ['generate', '--model', model, '--max-new-tokens', '3', '--batch-size', '2']
    const { code, out, err } = await attune(...command, '--data', prompts, '--output', output)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/prompts\.jsonl:2: expected a text in the field 'prompt'; the fields are text/)
    const lines = jsonLines(await readFile(output, 'utf8'))
    expect(lines).toMatchObject([
      { origin: 'prompts.jsonl:1', id: 1, prompt: 'say a ', finishReason: expect.any(String) as string },
      { origin: 'prompts.jsonl:2', error: { code: 'invalid-input' } },
      { origin: 'prompts.jsonl:3', prompt: 'say b ' },
    ])
    const alone = await attune(...command, 'say b ')
    expect(alone.out).toBe(`${String(lines[2]!.text)}\n`)
    expect((await attune(...command, 'say b ', '--data', prompts)).code).toBe(2)
    expect((await attune(...command, 'say b ', '--output', output)).code).toBe(2)
  })

  it.each([
    ['3,5', [3, 5]],
    ['added', 'the one'],
    ['[4]', [4]],
  ])('trains rows of tokens besides: %s', async (given, expected) => {
    const output = join(directory, `rows-${given}`)
    const flags = ['--add-tokens', '<order>', '--lora-trainable-token-indices', given, '--max-steps', '1']
    const argv = ['train', '--model', model, '--data', data, '--output', output, '--threads', '1', ...flags]
    expect(await attune(...argv)).toMatchObject({ code: 0, err: '' })
    const stored = JSON.parse(await readFile(join(output, 'adapter_config.json'), 'utf8')) as Record<string, unknown>
    const file = JSON.parse(await readFile(join(output, 'tokenizer.json'), 'utf8')) as {
      added_tokens: { id: number; content: string }[]
    }
    const added = file.added_tokens.filter(({ content }) => content === '<order>').map(({ id }) => id)
    expect(stored['trainable_token_indices']).toEqual(expected === 'the one' ? added : expected)
  })

  it('trains, evaluates and generates', async () => {
    const output = join(directory, 'adapter')
    const trained = await attune(
      'train',
      '--model',
      model,
      '--data',
      data,
      '--validation',
      '0.2',
      '--output',
      output,
      '--lora-rank',
      '4',
      '--learning-rate',
      '1e-2',
      '--epochs',
      '4',
      '--threads',
      '2',
    )
    expect(trained.err).toBe('')
    expect(trained.code).toBe(0)
    expect(trained.out).toMatch(/^step 24\/24 /m)
    expect(trained.out).toMatch(/validation loss \d\.\d+/)
    expect(await readdir(output)).toContain('adapter_model.safetensors')

    const loss = async (...more: string[]) => {
      const { code, out } = await attune('evaluate', '--model', model, '--data', data, '--json', ...more)
      expect(code).toBe(0)
      return (jsonLines(out)[0]!.metrics as { loss: number }).loss
    }
    expect(await loss('--adapter-from', output)).toBeLessThan((await loss()) - 0.3)

    const generated = await attune(
      'generate',
      'say a ',
      '--model',
      model,
      '--adapter-from',
      output,
      '--max-new-tokens',
      '5',
      '--json',
    )
    expect(generated.code).toBe(0)
    const pieces = jsonLines(generated.out)
    expect(pieces.at(-1)).toHaveProperty('finishReason')
    expect(pieces.length).toBeLessThanOrEqual(5)
  })

  it('gives several answers of a beam search', async () => {
    const flags = [
      '--num-beams',
      '3',
      '--num-return-sequences',
      '2',
      '--early-stopping',
      'never',
      '--max-new-tokens',
      '4',
    ]
    const { code, out } = await attune('generate', 'say a ', '--model', model, ...flags, '--json')
    expect(code).toBe(0)
    const answers = jsonLines(out)
    expect(answers).toHaveLength(2)
    expect(answers[0]!.score).toBeGreaterThan(answers[1]!.score as number)
  })

  it('takes a number for a flag whose name begins with no-, and lists of lists', async () => {
    const ids = async (...flags: string[]): Promise<unknown[]> => {
      const { code, out, err } = await attune(
        'generate',
        'say a ',
        '--model',
        model,
        '--max-new-tokens',
        '8',
        '--json',
        ...flags,
      )
      expect([code, err]).toEqual([0, ''])
      return jsonLines(out).map(({ tokenId }) => tokenId)
    }
    const distinct = await ids('--no-repeat-ngram-size', '1')
    expect(new Set(distinct).size).toBe(distinct.length)
    const [first] = await ids()
    expect((await ids('--bad-words-ids', `[[${String(first)}]]`))[0]).not.toBe(first)
  })

  it('takes options from a file, relative to it, and flags win', async () => {
    const config = join(directory, 'config.json')
    await writeFile(
      config,
      JSON.stringify({
        model: 'model',
        data: 'rows.jsonl',
        output: 'from-config',
        epochs: 5,
        batchSize: 20,
        adapter: { type: 'lora', rank: 2 },
      }),
    )
    const { code, out } = await attune('train', config, '--epochs', '1', '--json')
    expect(code).toBe(0)
    const events = jsonLines(out) as unknown as TrainingEvent[]
    expect(events[0]).toMatchObject({ type: 'start', steps: 3, rows: 60 })
    expect(events.at(-1)).toMatchObject({ type: 'done', step: 3 })
    const options = JSON.parse(await readFile(join(directory, 'from-config', 'options.json'), 'utf8')) as object
    expect(options).toMatchObject({ epochs: 1, batchSize: 20, adapter: { rank: 2 } })
  })

  it('plans without training', async () => {
    const { code, out } = await attune('plan', '--model', model, '--data', data, '--lora', '--json')
    expect(code).toBe(0)
    expect(jsonLines(out)[0]).toMatchObject({ type: 'plan', rows: 60, steps: 24 })
  })

  it('trains on a stream, and says what does not go with one', async () => {
    const output = join(directory, 'streamed')
    const argv = ['train', '--model', model, '--data', data, '--lora', '--streaming']
    const steps = ['--max-steps', '9', '--shuffle-buffer', '16']
    const { code, out, err } = await attune(...argv, ...steps, '--output', output, '--validation', data)
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toMatch(/rows +a stream to train on, 60 to validate\n[^]*memory +at most /)
    expect(out).not.toContain('NaN')
    expect(out).toContain('done after 9 steps')
    const planned = await attune('plan', '--model', model, '--data', data, '--streaming', '--max-steps', '9', '--json')
    expect(jsonLines(planned.out)[0]).toMatchObject({ type: 'plan', rows: null, steps: 9 })
    for (const [more, message] of [
      [[], 'options.maxSteps is missing'],
      [['--max-steps', '9', '--epochs', '2'], 'options.epochs'],
      [['--max-steps', '9', '--validation', '0.1'], 'options.validation'],
      [['--max-steps', '9', '--packing'], 'options.packing'],
    ] as const) {
      const refused = await attune(...argv, ...more)
      expect(refused.err).toContain(message)
      expect(refused.code).toBe(2)
    }
  })

  it.each([
    [['train', '--modle', 'x'], 2, '--model'],
    [['train', '--data', 'x'], 2, '--model is missing'],
    [['evaluate', '--model', 'x'], 2, '--data is missing'],
    [
      ['generate', 'x', '--model', 'y', '--top-p', '7'],
      2,
      'options.topP: expected a number above 0 up to 1, received 7',
    ],
    [['tarin'], 2, ''],
  ])('says how it was used wrongly: %j', async (argv, code, message) => {
    const result = await attune(...argv)
    expect(result.code).toBe(code)
    expect(result.err).toContain(message)
    expect(result.err).not.toMatch(/^ {4}at /m)
  })

  it('exits with 1 when the work fails, and shows the stack only when asked', async () => {
    const argv = ['train', '--model', model, '--data', join(directory, 'absent.jsonl')]
    const quiet = await attune(...argv)
    expect(quiet).toMatchObject({ code: 1 })
    expect(quiet.err).toMatch(/absent\.jsonl does not exist[^]*code: file-not-found/)
    expect(quiet.err).not.toMatch(/^ {4}at /m)
    expect((await attune(...argv, '--verbose')).err).toMatch(/^ {4}at /m)
    expect(jsonLines((await attune(...argv, '--json')).out)[0]).toMatchObject({ type: 'error', code: 'file-not-found' })
  })

  it('tells what the machine has', async () => {
    const { code, out } = await attune('doctor', '--json')
    expect(code).toBe(0)
    const [diagnosis] = jsonLines(out)
    expect(diagnosis).toMatchObject({ healthy: true, problems: [] })
    expect((diagnosis!.processor as { instructionSets: string[] }).instructionSets).toContain('portable')
  })

  const main = join(import.meta.dirname, '../../dist/cli/main.js')
  it.skipIf(!existsSync(main))('saves on Ctrl-C, exits with 130 and goes on from there', async () => {
    const output = join(directory, 'interrupted')
    const argv = ['train', '--model', model, '--data', data, '--output', output, '--lora', '--epochs', '2000', '--json']
    const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let interrupted = false
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      // A second one would end the process at once.
      if (interrupted || !out.includes('"type":"step"')) return
      interrupted = child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code).toBe(130)
    const [checkpoint] = (await readdir(join(output, 'checkpoints'))).slice(-1)
    expect(checkpoint).toMatch(/^step-\d+$/)
    const step = Number(checkpoint!.slice('step-'.length))
    const resumed = await attune(
      'train',
      '--model',
      model,
      '--data',
      data,
      '--output',
      output,
      '--lora',
      '--epochs',
      '2000',
      '--max-steps',
      String(step + 1),
      '--resume',
      'auto',
    )
    expect(resumed.code).toBe(1)
    expect(resumed.err).toContain('maxSteps was absent and is')
  })
})
