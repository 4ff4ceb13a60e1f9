/**
 * `npm run bench:cuda -- [kernels] [steps] [--rounds N] [--steps N] [--python PATH] [--output FOLDER] [--unchecked] [--dry-run]`:
 * what an NVIDIA card does, in a JSON file and a page. Without names kernels and steps. docs/benchmarking-cuda.md says more.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchCuda } from './bench-cuda.js'
import { faults } from './correctness.js'
import { NotMeasurable } from './measurable.js'

import { reportPage } from './report-page.js'
import { repositoryRoot } from './repository-root.js'

const parts = ['kernels', 'steps'] as const
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    steps: { type: 'string', default: '10' },
    python: { type: 'string' },
    output: { type: 'string', default: join(repositoryRoot, 'bench/results') },
    unchecked: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
  },
})
const [rounds, steps] = [Number(values.rounds), Number(values.steps)]
const unknown = positionals.find((name) => !parts.some((part) => part === name))
if (unknown !== undefined || ![rounds, steps].every((count) => Number.isInteger(count) && count > 0)) {
  console.error(
    `Usage: npm run bench:cuda -- [${parts.join('] [')}] [--rounds N] [--steps N] [--python PATH] [--output FOLDER] [--unchecked] [--dry-run]`,
  )
  process.exit(2)
}
const isAsked = (part: string): boolean => positionals.length === 0 || positionals.includes(part)

try {
  const result = await benchCuda({
    kernels: isAsked('kernels'),
    steps: isAsked('steps'),
    rounds,
    timedSteps: steps,
    python: values.python,
    unchecked: values.unchecked,
    dryRun: values['dry-run'],
    log: (line) => console.error(line),
  })
  mkdirSync(values.output, { recursive: true })
  const stem = join(values.output, `cuda-${result.date.replaceAll(':', '-')}`)
  writeFileSync(`${stem}.json`, `${JSON.stringify(result, undefined, 2)}\n`)
  writeFileSync(`${stem}.html`, reportPage(result))

  console.log(`${stem}.json\n${stem}.html`)
  const wrong = result.correctness === undefined ? [] : faults(result.correctness)
  for (const fault of wrong) console.error(`wrong: ${fault}`)
  if (wrong.length > 0) process.exitCode = 1
} catch (error) {
  if (!(error instanceof NotMeasurable)) throw error
  console.error(error.message)
  process.exitCode = 2
}
