/** What the card is and what it may draw, as nvidia-smi says. */
import { execFileSync } from 'node:child_process'

export interface GpuFacts {
  readonly name: string
  readonly driver: string
  /** MiB. */
  readonly memory: number | undefined
  /** W: the limit in force, and the most it can be set to. */
  readonly powerLimit: number | undefined
  readonly powerMaximum: number | undefined
  /** MHz: now, and at most. */
  readonly clock: number | undefined
  readonly clockMaximum: number | undefined
  readonly memoryClock: number | undefined
  readonly memoryClockMaximum: number | undefined
  /** °C. */
  readonly temperature: number | undefined
  readonly computeCapability: string
}

/** In the order in which they are asked for. */
const fields = [
  'name',
  'driver_version',
  'memory.total',
  'power.limit',
  'power.max_limit',
  'clocks.sm',
  'clocks.max.sm',
  'clocks.mem',
  'clocks.max.mem',
  'temperature.gpu',
  'compute_cap',
] as const

export const gpuQuery = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits']

/** One line for each card; the first is the one that is used. @throws Error where a line has other fields than were asked for */
export function parseGpuQuery(text: string): GpuFacts {
  const [line = ''] = text.trim().split('\n')
  const cells = line.split(',').map((cell) => cell.trim())
  if (cells.length !== fields.length) {
    throw new Error(`nvidia-smi gave ${cells.length} fields where ${fields.length} were asked for: ${line}`)
  }
  const cell = (field: (typeof fields)[number]): string => cells[fields.indexOf(field)] ?? ''
  // What a card does not know is '[N/A]', '[Not Supported]' or the like.
  const number = (field: (typeof fields)[number]): number | undefined => {
    const value = Number(cell(field))
    return cell(field) === '' || Number.isNaN(value) ? undefined : value
  }
  return {
    name: cell('name'),
    driver: cell('driver_version'),
    memory: number('memory.total'),
    powerLimit: number('power.limit'),
    powerMaximum: number('power.max_limit'),
    clock: number('clocks.sm'),
    clockMaximum: number('clocks.max.sm'),
    memoryClock: number('clocks.mem'),
    memoryClockMaximum: number('clocks.max.mem'),
    temperature: number('temperature.gpu'),
    computeCapability: cell('compute_cap'),
  }
}

/** Undefined where there is no nvidia-smi, or it knows no card. */
export function askGpu(): GpuFacts | undefined {
  try {
    return parseGpuQuery(
      execFileSync('nvidia-smi', gpuQuery, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
  } catch {
    return undefined
  }
}
