/** Bytes that a step of training holds, by kind, of the models in bench/peers/cases.json: planned, which is what is then taken. */
import { readFileSync } from 'node:fs'
import { lora, Model } from '../dist/index.js'
import { aligned } from './aligned.js'

interface Case {
  readonly config: string | Readonly<Record<string, unknown>>
  readonly batch: number
  readonly length: number
  readonly targetLength?: number
  readonly adapter?: {
    readonly rank: number
    readonly alpha: number
    readonly targets: 'all-linear' | readonly string[]
  }
}

export interface MemoryReport {
  readonly name: string
  readonly parameters: number
  readonly gradients: number
  readonly optimizer: number
  readonly activations: number
  readonly total: number
  /** Of activations, for each token of the batch. */
  readonly bytesPerToken: number
}

export async function measureMemory(): Promise<MemoryReport[]> {
  const file = new URL('../bench/peers/cases.json', import.meta.url)
  const cases = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Case>>
  const reports: MemoryReport[] = []
  for (const [name, { config: given, batch, length, targetLength, adapter }] of Object.entries(cases)) {
    const config = typeof given === 'string' ? cases[given]?.config : given
    if (typeof config !== 'object') throw new Error(`${name}: no configuration`)
    await using model = await Model.fromConfig(config, { seed: 1 })
    if (adapter !== undefined) await model.addAdapter(lora(adapter))
    const rows = (count: number) => Array.from({ length: batch }, () => new Int32Array(count).fill(1))
    const inputIds = rows(length)
    const labels =
      model.task === 'sequence-classification'
        ? inputIds.map(() => 0)
        : targetLength === undefined
          ? inputIds
          : rows(targetLength)
    const { parameters, gradients, optimizer, activations, total } = model.plan(model.batchSizes({ inputIds, labels }))
    const bytesPerToken = activations / (batch * (length + (targetLength ?? 0)))
    reports.push({ name, parameters, gradients, optimizer, activations, total, bytesPerToken })
  }
  return reports
}

export function memoryTable(reports: readonly MemoryReport[]): string {
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20).toLocaleString('en-US')
  const rows = [
    ['memory, MiB', 'parameters', 'gradients', 'optimizer', 'activations', 'total', 'KiB a token'],
    ...reports.map(({ name, parameters, gradients, optimizer, activations, total, bytesPerToken }) => [
      name,
      ...[parameters, gradients, optimizer, activations, total].map(mib),
      (bytesPerToken / 2 ** 10).toFixed(0),
    ]),
  ]
  return aligned(rows)
}
