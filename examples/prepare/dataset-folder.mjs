// What every prepare.mjs here does first and last: finds the dataset's folder, writes rows as JSON Lines.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const datasets = resolve(dirname(fileURLToPath(import.meta.url)), '../../../shared/datasets')

/** The folder named by `--data`, by default ../shared/datasets/NAME beside the repository; ends the program where it lacks a file. */
export function datasetFolder(name, files) {
  const { values } = parseArgs({ options: { data: { type: 'string', default: join(datasets, name) } } })
  const missing = files.filter((file) => !existsSync(join(values.data, file)))
  if (missing.length === 0) return values.data
  console.error(`${values.data} lacks ${missing.join(', ')}: name the folder of the dataset ${name} with --data.`)
  console.error('The README.md here says where the dataset comes from.')
  process.exit(1)
}

/** The ignored folder `out` beside the module of that `import.meta.url`. */
export function outputBeside(url) {
  return join(dirname(fileURLToPath(url)), 'out')
}

/** Writes `parts` ({ train: rows, … }) to OUTPUT/PART.jsonl and says how many rows there are. */
export function writeParts(output, parts) {
  mkdirSync(output, { recursive: true })
  for (const [part, rows] of Object.entries(parts)) {
    writeFileSync(join(output, `${part}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  }
  const counts = Object.entries(parts).map(([part, { length }]) => `${part} ${length}`)
  console.log(`${output}: ${counts.join(', ')} rows`)
}
