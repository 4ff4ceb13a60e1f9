#!/usr/bin/env node
// The same optimiser steps in attune and in PyTorch + transformers + PEFT, in turns, and the ratio between them.
//
//   node bench/peers/run.mjs [--rounds 3] [--steps 5] [--threads 2] [--cases gpt2-full,qwen-lora] [--output bench/results/peers.json]
//
// Every measurement is a process of its own, so that peak memory is its own. The contenders take turns within a round
// (A B A B …), so that a machine that slows down slows both. The first run makes a virtual environment in .tools/peers.
import { median } from 'd3-array'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, platform, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../..')
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '5' }, // timed steps a process
    warmup: { type: 'string', default: '2' },
    threads: { type: 'string', default: '2' },
    cases: { type: 'string' }, // names of cases.json; all without it
    contenders: { type: 'string' }, // names of the table below, such as attune:f32,pytorch:fp32; all without it
    venv: { type: 'string', default: join(root, '.tools/peers') },
    output: { type: 'string', default: join(root, 'bench/results/peers.json') },
  },
})

/** Like against like: attune's float32 beside PyTorch's default and its best without and with a compiler, bfloat16 beside autocast. */
const COMPARISONS = [
  { ours: 'attune:f32', theirs: 'pytorch:fp32' },
  { ours: 'attune:f32', theirs: 'pytorch:fp32+medium+fused' },
  { ours: 'attune:f32', theirs: 'pytorch:fp32+medium+fused+compile' },
  { ours: 'attune:bf16', theirs: 'pytorch:autocast+fused' },
]
const every = [...new Set(COMPARISONS.flatMap(({ ours, theirs }) => [ours, theirs]))]
const contenders = options.contenders?.split(',') ?? every
const allCases = Object.keys(JSON.parse(readFileSync(join(here, 'cases.json'), 'utf8')))
const cases = options.cases?.split(',') ?? allCases
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds: expected a whole number from 1 on`)
const python = contenders.some((name) => name.startsWith('pytorch:')) ? preparePython(options.venv) : undefined

const runs = []
for (let round = 1; round <= rounds; round++) {
  for (const name of cases) {
    for (const contender of contenders) {
      const run = measure(name, contender)
      runs.push({ round, contender, load: Number(loadavg()[0].toFixed(2)), ...run })
      const text = run.error ?? `${run.tokensPerSecond} tokens/s, ${run.stepSeconds} s a step, ${run.peakRssMib} MiB`
      console.error(`round ${round}/${rounds}  ${name}  ${contender}: ${text}`)
    }
  }
}
const summary = cases.flatMap((name) => contenders.map((contender) => summarize(name, contender))).filter(Boolean)
const ratios = cases.flatMap((name) => COMPARISONS.map((pair) => compare(name, pair))).filter(Boolean)

console.log(`\nall tokens labelled; ${options.threads} threads; medians of ${rounds} rounds\n`)
console.table(Object.fromEntries(summary.map(({ name, contender, ...row }) => [`${name}  ${contender}`, row])))
console.table(Object.fromEntries(ratios.map(({ name, ours, theirs, ...row }) => [`${name}  ${ours} / ${theirs}`, row])))

mkdirSync(dirname(options.output), { recursive: true })
const machine = {
  date: new Date().toISOString(),
  os: `${platform()} ${release()}`,
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
}
writeFileSync(options.output, JSON.stringify({ machine, options, summary, ratios, runs }, null, 2) + '\n')
console.log(`written to ${options.output}`)
if (runs.some(({ error }) => error)) process.exitCode = 1

/** Path of the interpreter in the virtual environment, which is made and filled when requirements.txt asks for other versions. */
function preparePython(venv) {
  const interpreter = join(venv, platform() === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  const requirements = join(here, 'requirements.txt')
  const stamp = join(venv, 'requirements.installed')
  const wanted = readFileSync(requirements, 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return interpreter
  console.error(`installing PyTorch, transformers and PEFT into ${venv}`)
  if (!existsSync(interpreter)) execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' })
  execFileSync(interpreter, ['-m', 'pip', 'install', '--quiet', '-r', requirements], { stdio: 'inherit' })
  writeFileSync(stamp, wanted)
  return interpreter
}

/** One process, one measurement: its JSON line, or { error }. */
function measure(name, contender) {
  const [engine, variant] = contender.split(':')
  const script = engine === 'attune' ? [process.execPath, 'attune-step.mjs'] : [python, 'torch_step.py']
  const { threads, steps, warmup } = options
  const settings = Object.entries({ case: name, variant, threads, steps, warmup })
  const args = [join(here, script[1]), ...settings.flatMap(([key, value]) => [`--${key}`, value])]
  // OPENBLAS_* and thread counts of the caller's shell must not reach the peer.
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(OPENBLAS|MKL|OMP)_/.test(key)))
  const { status, stdout, stderr } = spawnSync(script[0], args, { env, encoding: 'utf8' })
  const line = stdout?.trim().split('\n').at(-1)
  if (status !== 0 || !line?.startsWith('{')) {
    return { case: name, error: (stderr ?? '').trim().split('\n').slice(-6).join('\n') || `exit ${status}` }
  }
  return JSON.parse(line)
}

function summarize(name, contender) {
  const rows = runs.filter((run) => run.case === name && run.contender === contender && !run.error)
  if (rows.length === 0) return undefined
  const speeds = rows.map(({ tokensPerSecond }) => tokensPerSecond)
  return {
    name,
    contender,
    tokensPerSecond: median(speeds),
    slowest: Math.min(...speeds),
    fastest: Math.max(...speeds),
    peakRssMib: median(rows.map(({ peakRssMib }) => peakRssMib)),
  }
}

/** The median over rounds of the ratio within a round, and the ratio of peak memory. */
function compare(name, { ours, theirs }) {
  const speed = (contender, round) =>
    runs.find((run) => run.case === name && run.contender === contender && run.round === round)?.tokensPerSecond
  const speedups = Array.from({ length: rounds }, (_, i) => speed(ours, i + 1) / speed(theirs, i + 1)).filter((ratio) =>
    Number.isFinite(ratio),
  )
  const [mine, other] = [ours, theirs].map((contender) =>
    summary.find((row) => row.name === name && row.contender === contender),
  )
  if (speedups.length === 0 || !mine || !other) return undefined
  return {
    name,
    ours,
    theirs,
    speedup: rounded(median(speedups)),
    lowest: rounded(Math.min(...speedups)),
    highest: rounded(Math.max(...speedups)),
    memory: rounded(mine.peakRssMib / other.peakRssMib),
  }
}

function rounded(value) {
  return Number(value.toFixed(2))
}
