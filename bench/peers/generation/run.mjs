#!/usr/bin/env node
// The same greedy generation in attune, in transformers and in node-llama-cpp's prebuilt binary, in turns, and the ratios between them.
//
//   node bench/peers/generation/run.mjs [--rounds 3] [--times 3] [--threads 2] [--cases gpt2-full,qwen-lora] [--batches 1,4,16]
//     [--contenders attune:f32,transformers:f32] [--output bench/results/generation-peers.json]
//
// Every measurement is a process of its own; contenders take turns within a round. The first run fills .tools/peers by pip, and
// .tools/llama by npm, as bench/peers/run.mjs does; llama.cpp's models, with random weights, are written there.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { group, median } from 'd3-array'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const settings = JSON.parse(readFileSync(join(here, 'settings.json'), 'utf8'))
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    times: { type: 'string', default: '3' }, // how often a process times it
    threads: { type: 'string', default: '2' },
    cases: { type: 'string', default: settings.cases.join(',') },
    batches: { type: 'string', default: settings.batches.join(',') },
    contenders: { type: 'string' }, // names of the table below; all without it
    venv: { type: 'string', default: join(root, '.tools/peers') },
    llama: { type: 'string', default: join(root, '.tools/llama') },
    output: { type: 'string', default: join(root, 'bench/results/generation-peers.json') },
  },
})

/** Like against like: as many bits a weight. llama.cpp's file is made for the Qwen2 shape. */
const COMPARISONS = [
  { ours: 'attune:f32', theirs: 'transformers:f32' },
  { ours: 'attune:bf16', theirs: 'transformers:bf16' },
  { ours: 'attune:bf16', theirs: 'llama:bf16', only: 'qwen-lora' },
  { ours: 'attune:int8', theirs: 'llama:q8_0', only: 'qwen-lora' },
]
const llamaVersion = '3.22.1'
const wanted = options.contenders?.split(',') ?? [...new Set(COMPARISONS.flatMap(({ ours, theirs }) => [ours, theirs]))]
const python = join(options.venv, 'bin/python')
if (wanted.some((name) => !name.startsWith('attune:'))) preparePython()
if (wanted.some((name) => name.startsWith('llama:'))) prepareLlama()

const runs = []
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const name of options.cases.split(',')) {
    for (const batch of options.batches.split(',')) {
      for (const contender of wanted) {
        if (contender.startsWith('llama:') && name !== 'qwen-lora') continue
        const run = { round, name, batch, contender, load: loadavg()[0], ...measure(name, batch, contender) }
        runs.push(run)
        console.error(
          `round ${round}  ${name}  batch ${batch}  ${contender}: ${run.error ?? `${run.tokensPerSecond.toFixed(1)} tokens/s`}`,
        )
      }
    }
  }
}

const groups = group(
  runs.filter(({ error }) => !error),
  ({ name, batch, contender }) => `${name} x${batch} ${contender}`,
)
const summary = [...groups].map(([work, of]) => ({
  work,
  ...spread(of.map((run) => run.tokensPerSecond)),
  ...shares(of),
}))
const ratios = [...new Set(runs.map(({ name, batch }) => `${name} ${batch}`))].flatMap((work) => {
  const [name, batch] = work.split(' ')
  return COMPARISONS.flatMap(({ ours, theirs }) => {
    const speed = (contender, round) =>
      runs.find((run) => run.name === name && run.batch === batch && run.contender === contender && run.round === round)
        ?.tokensPerSecond
    const of = Array.from({ length: Number(options.rounds) }, (_, i) => speed(ours, i + 1) / speed(theirs, i + 1))
    const known = of.filter((ratio) => Number.isFinite(ratio))
    return known.length === 0 ? [] : [{ work: `${name} x${batch}`, ours, theirs, ...spread(known) }]
  })
})
console.table(summary)
console.table(ratios)
mkdirSync(dirname(options.output), { recursive: true })
const machine = {
  date: new Date().toISOString(),
  processor: cpus()[0]?.model,
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
}
writeFileSync(options.output, `${JSON.stringify({ machine, options, summary, ratios, runs }, null, 2)}\n`)
console.log(`written to ${options.output}`)
if (runs.some(({ error }) => error)) process.exitCode = 1

function preparePython() {
  if (!existsSync(python)) execFileSync('python3', ['-m', 'venv', options.venv], { stdio: 'inherit' })
  const files = [join(here, '../requirements.txt'), join(here, 'requirements.txt')]
  const text = files.map((file) => readFileSync(file, 'utf8')).join('')
  const stamp = join(options.venv, 'generation.installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === text) return
  const args = files.flatMap((file) => ['-r', file])
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...args], { stdio: 'inherit' })
  writeFileSync(stamp, text)
}

function prepareLlama() {
  mkdirSync(options.llama, { recursive: true })
  const manifest = join(options.llama, 'package.json')
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true, "type": "module" }\n')
  if (!existsSync(join(options.llama, 'node_modules/node-llama-cpp'))) {
    // Without scripts: they would build it, or fetch other binaries.
    const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `node-llama-cpp@${llamaVersion}`]
    execFileSync('npm', install, { cwd: options.llama, stdio: 'inherit' })
  }
  for (const contender of wanted.filter((name) => name.startsWith('llama:'))) {
    const type = contender.slice('llama:'.length)
    if (existsSync(modelOf(type))) continue
    execFileSync(python, [join(here, 'write_gguf.py'), '--type', type, '--output', modelOf(type)], { stdio: 'inherit' })
  }
}

function modelOf(type) {
  return join(options.llama, `${type}.gguf`)
}

/** One process, one measurement: its JSON line, or { error }. */
function measure(name, batch, contender) {
  const [engine, variant] = contender.split(':')
  const { threads, times } = options
  const given = {
    case: name,
    variant,
    batch,
    threads,
    times,
    ...(engine === 'llama' ? { model: modelOf(variant) } : {}),
  }
  const args = Object.entries(given).flatMap(([key, value]) => [`--${key}`, value])
  const [command, script] = {
    attune: [process.execPath, 'attune-generate.mjs'],
    transformers: [python, 'torch_generate.py'],
    llama: [process.execPath, 'llama-generate.mjs'],
  }[engine]
  const cwd = engine === 'llama' ? options.llama : root
  // Thread counts of the caller's shell must not reach the peer.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(OPENBLAS|MKL|OMP)_/.test(key)))
  const { status, stdout, stderr } = spawnSync(command, [join(here, script), ...args], { cwd, env, encoding: 'utf8' })
  const line = stdout?.trim().split('\n').at(-1)
  if (status === 0 && line?.startsWith('{')) return JSON.parse(line)
  return { error: (stderr ?? '').trim().split('\n').slice(-6).join('\n') || `exit ${status}` }
}

function spread(values) {
  const [middle, lowest, highest] = [median(values), Math.min(...values), Math.max(...values)]
  return { median: rounded(middle), lowest: rounded(lowest), highest: rounded(highest) }
}

function shares(of) {
  const known = of.map(({ shareOfBandwidth }) => shareOfBandwidth).filter((share) => share !== undefined)
  return known.length === 0 ? {} : { shareOfBandwidth: rounded(median(known)) }
}

function rounded(value) {
  return Number(value.toFixed(2))
}
