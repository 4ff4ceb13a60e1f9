import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChromeTrace } from '../../lib/profile/chrome-trace.js'
import { tinyConfig } from '../tiny-model.js'
import { jsonLines, runAttune } from './run-attune.js'

let directory: string
let config: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-bench-'))
  config = join(directory, 'config.json')
  await writeFile(config, JSON.stringify(tinyConfig))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const quick = ['--batch-size', '2', '--max-length', '8', '--steps', '2', '--warmup', '1', '--max-new-tokens', '3']
const bench = (...argv: string[]) => runAttune(['bench', ...argv, '--threads', '1'])

describe('attune bench', () => {
  it('prints a table of 80 columns, of a directory without weights', async () => {
    const { code, out, err } = await bench(directory, ...quick)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(out).toMatch(/^model +llama, f32$/m)
    expect(out).toMatch(/^batch +2 rows of 8 tokens$/m)
    expect(out).toMatch(/^training +\d+k? tokens\/s, [\d.]+ m?s a step \([\d.]+ m?s to [\d.]+ m?s, 2 times\)$/m)
    expect(out).toMatch(/^ {2}work +[\d.]+ \w?FLOP, [\d.]+ \w?FLOP\/s: [\d.]+% of the peak$/m)
    expect(out).toMatch(/^generation +\d+k? tokens\/s of 1 sequence, its prompt at \d+k? tokens\/s$/m)
    expect(out).not.toContain('a step by op')
  })

  it('shows a step by op with --profile', async () => {
    const { code, out } = await bench(config, ...quick, '--profile')
    expect(code).toBe(0)
    for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(out).toMatch(/^a step by op, the mean of 2: [\d.]+ m?s, [\d.]+% of it outside kernels$/m)
    expect(out).toMatch(/^forward [\d.]+ m?s, backward [\d.]+ m?s, optimizer [\d.]+ m?s$/m)
    expect(out).toMatch(/^op +runs +ms +share +GFLOP\/s +of peak +GB\/s$/m)
    expect(out).toMatch(/^linear_cross_entropy +1 +[\d.]+ +[\d.]+% +[\d.]+ +[\d.]+% +[\d.]+$/m)
    expect(out).toMatch(/^adamw +1 /m)
  })

  it('prints a line of JSON, of the adapter that the flags ask for', async () => {
    const { out } = await bench(config, ...quick, '--json', '--profile', '--lora-rank', '2', '--dtype', 'bf16')
    const [result, ...more] = jsonLines(out)
    expect(more).toEqual([])
    expect(result).toMatchObject({
      type: 'bench',
      task: 'causal-lm',
      dtype: 'bf16',
      threads: 1,
      batch: { rows: 2, length: 8 },
      training: { seconds: { times: 2 } },
      profile: { steps: 2 },
    })
    const { trained, total } = result!.parameters as { trained: number; total: number }
    expect(trained).toBeLessThan(total)
    expect(result!.profile).not.toHaveProperty('step')
  })

  it('asks the task for another head', async () => {
    const asked = ['--task', 'sequence-classification', '--labels', '3', '--json']
    const [result] = jsonLines((await bench(config, ...quick, ...asked)).out)
    expect(result).toMatchObject({ task: 'sequence-classification', generation: [] })
  })

  it('writes the trace of one step', async () => {
    const trace = join(directory, 'trace.json')
    const { code, out } = await bench(config, ...quick, '--trace', trace)
    expect(code).toBe(0)
    expect(out).toContain(`trace of one step in ${trace}`)
    expect(out).toContain('a step by op')
    const { traceEvents } = JSON.parse(await readFile(trace, 'utf8')) as ChromeTrace
    const spans = traceEvents.filter(({ ph }) => ph === 'X')
    const seen = new Set(spans.map((event) => ('cat' in event ? event.cat : undefined)))
    expect(seen).toEqual(new Set(['forward', 'backward', 'optimizer']))
    expect(spans.filter(({ name }) => name === 'adamw')).toHaveLength(1)
  })

  it("measures attune's own model where none is named", async () => {
    const [result] = jsonLines((await bench(...quick, '--json')).out)
    expect(result).toMatchObject({ modelType: 'llama', batch: { rows: 2, length: 8 } })
  })

  it.each([
    [['--steps', '0'], 'options.steps: expected a whole number from 1 on'],
    [['--batch-size', 'many'], "options.batchSize: expected a whole number from 1 on, received 'many'"],
    [['--dtype', 'f16'], "options.dtype: expected 'f32' or 'bf16'"],
    [['--lora-rank', '0'], 'lora.rank'],
    [['--trace', join('no', 'such', 'folder', 'trace.json')], 'options.trace: there is no directory'],
    [['--stepz', '3'], '--stepz'],
  ])('says how it was used wrongly: %j', async (argv, message) => {
    // The model does not exist: it is not looked for before the options are right.
    const { code, out, err } = await bench(join(directory, 'absent'), ...argv)
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(out).toBe('')
  })

  it('fails where there is no such model', async () => {
    const { code, err } = await bench(join(directory, 'absent'))
    expect(code).toBe(1)
    expect(err).toContain('code: file-not-found')
  })
})
