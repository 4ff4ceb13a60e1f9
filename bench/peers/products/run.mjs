#!/usr/bin/env node
// Matrix products of attune beside PyTorch's (oneDNN, MKL) and numpy's OpenBLAS, processes in turns: GFLOP/s, and attune's over each peer's.
//
//   node bench/peers/products/run.mjs [--dtype f32] [--threads 2] [--rounds 3]
//
// Needs the virtual environment of bench/peers/run.mjs. On some processors OPENBLAS_CORETYPE is set for older versions; it is not passed on.
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
    dtype: { type: 'string', default: 'f32' }, // f32 | bf16
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '0.3' },
    rounds: { type: 'string', default: '3' },
    output: { type: 'string', default: join(root, 'bench/results/products.json') },
  },
})
const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(OPENBLAS|MKL|OMP)_/.test(key)))
const peers = options.dtype === 'f32' ? ['torch', 'openblas'] : ['torch']

function measure(engine) {
  const shared = ['--dtype', options.dtype, '--threads', options.threads, '--seconds', options.seconds]
  const [command, args] =
    engine === 'attune'
      ? [process.execPath, [join(here, 'attune-products.mjs'), ...shared]]
      : [join(root, '.tools/peers/bin/python'), [join(here, 'torch_products.py'), '--engine', engine, ...shared]]
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`${engine}: ${stderr.slice(-2000)}`)
  return JSON.parse(stdout)
}

const rounds = Array.from({ length: Number(options.rounds) }, (_, i) => {
  console.error(`round ${i + 1}`)
  return Object.fromEntries(['attune', ...peers].map((engine) => [engine, measure(engine)]))
})
const rows = rounds[0].attune.products.map(({ kind, m, k, n }, i) => {
  const speed = (engine) => median(rounds.map((round) => round[engine].products[i].gflops))
  const ratio = (engine) =>
    Number(median(rounds.map((round) => round.attune.products[i].gflops / round[engine].products[i].gflops)).toFixed(2))
  return {
    product: `${m}x${k}x${n} ${kind}`,
    attune: speed('attune'),
    threads: median(rounds.map((round) => round.attune.products[i].threads)),
    'of peak': Number(
      median(rounds.map(({ attune }) => attune.products[i].gflops / attune.products[i].peak)).toFixed(2),
    ),
    ...Object.fromEntries(peers.flatMap((peer) => [[peer, speed(peer)], [`attune / ${peer}`, ratio(peer)]])), // prettier-ignore
  }
})
console.log(
  `${options.dtype}, ${options.threads} threads, ${rounds[0].attune.instructionSet}, GFLOP/s, medians of ${options.rounds} rounds`,
)
console.table(rows)
mkdirSync(dirname(options.output), { recursive: true })
writeFileSync(options.output, `${JSON.stringify({ options, rows, rounds }, null, 2)}\n`)
