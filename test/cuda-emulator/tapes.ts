// Tapes of what a program did to the emulated device, and their replay by a program built with a sanitizer.
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { run } from '../run-process.ts'
import { program, type Variant } from './programs.ts'

/** What a program must have in ATTUNE_CUDA_EMULATOR to write a tape into a folder. */
export const tapeSetting = (folder: string) => `tape=${folder}`

export const newTapeFolder = () => mkdtempSync(join(tmpdir(), 'attune-tapes-'))

/** One of each process that computed. */
export function tapesIn(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
}

/** The tape of a program of `programs/`, until the test ends. */
export async function record(name: string, args: string[] = []): Promise<string> {
  const folder = newTapeFolder()
  onTestFinished(() => rmSync(folder, { recursive: true }))
  await run(await program(name), args, { ATTUNE_CUDA_EMULATOR: tapeSetting(folder) })
  return tapesIn(folder)[0]!
}

// As driver/tape_format.h says.
const magicBytes = 8
const recordBytes = 40
const payloadBytesAt = 32
const actions = ['load', 'unload', 'allocate', 'free', 'write', 'copy', 'fill', 'launch', 'read', 'release'] as const

/** What was done, and where in the file what belongs to it begins. */
export function* recordsOf(tape: string): Generator<{ action: (typeof actions)[number]; payloadAt: number }> {
  const file = openSync(tape, 'r')
  const header = Buffer.alloc(recordBytes)
  try {
    for (let at = magicBytes; readSync(file, header, 0, recordBytes, at) === recordBytes;) {
      const payloadAt = at + recordBytes
      yield { action: actions[header.readUInt32LE(0)]!, payloadAt }
      at = payloadAt + Number(header.readBigUInt64LE(payloadBytesAt))
    }
  } finally {
    closeSync(file)
  }
}

/** How many kernels ran. */
export function launchesOn(tape: string): number {
  let launches = 0
  for (const { action } of recordsOf(tape)) if (action === 'launch') launches++
  return launches
}

export interface Replay {
  readonly code: number | null
  /** What the sanitizer found, or where the replay went another way; empty when all is well. */
  readonly report: string
  /** How often each kernel ran. */
  readonly launches: ReadonlyMap<string, number>
}

/** Leaks are not looked for: the driver's memory is the process's. */
const environment = { ASAN_OPTIONS: 'detect_leaks=0', TSAN_OPTIONS: 'exitcode=66', ATTUNE_CUDA_EMULATOR: '' }

export async function replay(tape: string, variant: Variant): Promise<Replay> {
  const { code, stdout, stderr } = await run(await program('replay', variant), [tape], environment)
  const lines = [...stdout.matchAll(/^launched (\S+) (\d+)$/gm)]
  return { code, report: stderr, launches: new Map(lines.map(([, name, count]) => [name!, Number(count)])) }
}

/** Of all kernels. */
export function totalOf(launches: ReadonlyMap<string, number>): number {
  return [...launches.values()].reduce((total, count) => total + count, 0)
}
