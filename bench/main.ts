/**
 * `npm run bench -- [suite …] [--time <ms per task>]`: prints a table per suite, writes bench/results/<date>.json.
 * Without names every suite runs.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench } from 'tinybench'
import { describeMachine } from './machine.js'
import { measureMemory, memoryTable } from './memory.js'
import { table, writeResults, type SuiteReport, type TaskReport } from './report.js'
import type { OpenSuite } from './suite.js'
import { openData } from './suites/data.js'
import { openGeneration } from './suites/generation.js'
import { openGraph } from './suites/graph.js'
import { openKernels } from './suites/kernels.js'
import { openLoading } from './suites/loading.js'
import { openStep } from './suites/step.js'
import { openTokenization } from './suites/tokenization.js'

const suites: Readonly<Record<string, OpenSuite>> = {
  kernels: openKernels,
  step: openStep,
  generation: openGeneration,
  loading: openLoading,
  tokenization: openTokenization,
  data: openData,
  graph: openGraph,
}
const names = [...Object.keys(suites), 'memory']

async function runSuite(name: string, open: OpenSuite, time: number): Promise<SuiteReport> {
  await using suite = await open()
  const bench = new Bench({ name, time, iterations: 5, warmupTime: time / 4, warmupIterations: 1, throws: true })
  for (const task of suite.tasks) bench.add(task.name, task.run)
  await bench.run()
  const tasks = suite.tasks.map(({ name, work }): TaskReport => {
    const result = bench.getTask(name)?.result
    if (result?.state !== 'completed') throw new Error(`${name} did not complete`)
    const { p50, mad, samplesCount } = result.latency
    const rate = work.amount / (p50 / 1000)
    return { name, medianMs: p50, spread: mad / p50, samples: samplesCount, rate, unit: work.unit }
  })
  return { suite: name, tasks }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { time: { type: 'string', default: '1000' } },
})
const time = Number(values.time)
const unknown = positionals.find((name) => !names.includes(name))
if (unknown !== undefined || !(time > 0)) {
  console.error(`Usage: npm run bench -- [${names.join(' | ')}] [--time <ms per task>]`)
  process.exit(2)
}

const machine = describeMachine()
console.log(
  `${machine.processor}, ${machine.cores} cores, ${machine.instructionSet}, ${machine.memoryGiB} GiB, ` +
    `node ${machine.node}, ${machine.compiler}, ${machine.commit}`,
)
const isAsked = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
const reports: SuiteReport[] = []
for (const [name, open] of Object.entries(suites)) {
  if (!isAsked(name)) continue
  const report = await runSuite(name, open, time)
  console.log(`\n${table(report)}`)
  reports.push(report)
}
const memory = isAsked('memory') ? await measureMemory() : undefined
if (memory !== undefined) console.log(`\n${memoryTable(memory)}`)
const folder = fileURLToPath(new URL('../bench/results', import.meta.url))
console.log(`\n${writeResults(folder, machine, reports, memory)}`)
