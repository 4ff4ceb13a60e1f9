#!/usr/bin/env node
// Conversations from a file to packed tokens, in attune and with Hugging Face's datasets + tokenizers, in turns on the same cores.
//
//   node bench/peers/data/run.mjs --datasets DIR [--set support-replies|instructions] [--rows 100000] [--rounds 1]
//       [--tokenizer DIR] [--length 1024] [--venv .tools/peers] [--modes batched,row]
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeConversations } from './conversations.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const { values: options } = parseArgs({
  options: {
    datasets: { type: 'string' }, // folder of the sets
    set: { type: 'string', default: 'support-replies' },
    rows: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '1' },
    length: { type: 'string', default: '1024' },
    tokenizer: { type: 'string', default: join(root, 'examples/models/attune-base') },
    venv: { type: 'string', default: join(root, '.tools/peers') },
    modes: { type: 'string', default: 'batched' },
  },
})
if (options.datasets === undefined) throw new Error('--datasets: expected the folder of the data sets')
const { set, length, tokenizer } = options
const folder = await mkdtemp(join(tmpdir(), 'attune-bench-'))
try {
  const file = join(folder, 'rows.jsonl')
  await writeConversations(file, { set, folder: options.datasets, rows: Number(options.rows) })
  const python = join(options.venv, 'bin/python')
  const common = ['--file', file, '--tokenizer', tokenizer, '--length', length]
  const contenders = [
    [process.execPath, ['--max-old-space-size=8192', join(here, 'attune-data.mjs'), ...common]],
    ...options.modes.split(',').map((mode) => [python, [join(here, 'datasets_data.py'), ...common, '--mode', mode]]),
  ]
  const results = []
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const [command, args] of contenders) {
      const load = loadavg()[0].toFixed(1)
      const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
      const line = stdout?.trim().split('\n').at(-1)
      if (status !== 0 || !line?.startsWith('{')) throw new Error(`${args[0]}: ${stderr || `exit ${status}`}`)
      const result = { round, load, ...JSON.parse(line) }
      results.push(result)
      console.error(JSON.stringify(result))
    }
  }
  const [ours] = results
  console.table(
    results.map(({ contender, rows, tokens, targets, bins, seconds, processorSeconds, peakMib, load }) => ({
      contender,
      'rows/s': Math.round(rows / seconds),
      'tokens/s': Math.round(tokens / seconds),
      tokens: tokens,
      labelled: targets,
      bins: bins,
      'processor s': processorSeconds.toFixed(1),
      'peak MiB': peakMib,
      'speedup of attune': (seconds / ours.seconds).toFixed(2),
      load,
    })),
  )
  if (results.some(({ tokens, targets }) => tokens !== ours.tokens || targets !== ours.targets))
    console.log('the contenders do not agree on tokens or labels: what they do is not the same work')
} finally {
  await rm(folder, { recursive: true, force: true })
}
