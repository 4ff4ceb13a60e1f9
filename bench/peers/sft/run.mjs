#!/usr/bin/env node
// Fine-tuning on real prompt/completion pairs as users do it: attune's Trainer beside transformers' Trainer and TRL's SFTTrainer, in turns.
//
//   node bench/peers/sft/run.mjs --config examples/data/instructions-1100.json [--rounds 3] [--contenders attune,attune-bf16,hf-pad]
//
// Needs the virtual environment of bench/peers/run.mjs, and in it `pip install -r bench/peers/sft/requirements.txt`.
import { median } from 'd3-array'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const { values: options } = parseArgs({
  options: {
    config: { type: 'string' }, // of the dataset, as in examples/data
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    contenders: { type: 'string', default: 'attune,attune-8bit,attune-bf16,hf-pad,hf-group,trl-fp32,trl-defaults' },
    output: { type: 'string', default: join(root, 'bench/results/sft.json') },
  },
})
if (options.config === undefined)
  throw new Error('--config: which dataset, such as examples/data/instructions-1100.json')
const node = (...args) => [process.execPath, [join(here, 'attune-sft.mjs'), ...args]]
/** `attune`, with `-bf16` and `-8bit` behind it or not. */
function attune(name) {
  const [, ...settings] = name.split('-')
  const dtype = settings.includes('bf16') ? 'bf16' : 'f32'
  return node(
    '--threads',
    options.threads,
    '--dtype',
    dtype,
    '--optim',
    settings.includes('8bit') ? 'adamw_8bit' : 'adamw',
  )
}
const commandOf = (name) =>
  name.startsWith('attune')
    ? attune(name)
    : [
        join(root, '.tools/peers/bin/python'),
        [join(here, 'torch_sft.py'), '--variant', name, '--threads', options.threads],
      ]

function run([command, args]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(`${args.join(' ')}\n${stderr.slice(-2000)}`)
  return stdout.trim().split('\n').at(-1)
}

run(node('--prepare', options.config))
const runs = []
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const contender of options.contenders.split(',')) {
    const result = { round, contender, ...JSON.parse(run(commandOf(contender))) }
    console.error(`round ${round}  ${contender}: ${result.realTokensPerSecond} real tokens/s, ${result.peakRssMib} MiB, held-out loss ${result.heldOutLoss}`) // prettier-ignore
    runs.push(result)
  }
}
const of = (contender) => runs.filter((result) => result.contender === contender)
const ours = of('attune')
console.table(
  options.contenders.split(',').map((contender) => {
    const mine = of(contender)
    const speed = median(mine.map((result) => result.realTokensPerSecond))
    return {
      contender,
      'real tokens/s': speed,
      'attune beside it': Number(
        median(
          mine.map(
            (result) =>
              (ours.find(({ round }) => round === result.round)?.realTokensPerSecond ?? NaN) /
              result.realTokensPerSecond,
          ),
        ).toFixed(2),
      ),
      'padding share': mine[0]?.paddingShare,
      'peak MiB': median(mine.map((result) => result.peakRssMib)),
      'held-out loss': mine[0]?.heldOutLoss,
    }
  }),
)
mkdirSync(dirname(options.output), { recursive: true })
writeFileSync(options.output, `${JSON.stringify({ options, runs }, null, 2)}\n`)
