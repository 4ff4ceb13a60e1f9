/** Tapes are played as they were recorded; a sanitizer finds on them the bugs that it should, and nothing in their twins without. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fatBinary, nvcc, unavailable, type Variant } from './programs.ts'
import { launchesOn, record, recordsOf, replay, totalOf } from './tapes.ts'

const reason = unavailable()
const compiler = reason === undefined ? await nvcc() : { reason }

const cases: { variant: Variant; bug: string; twin: string; message: string }[] = [
  { variant: 'tsan', bug: 'exchange-read-too-early', twin: 'exchange', message: 'data race' },
  { variant: 'asan', bug: 'fill-past-the-array', twin: 'fill', message: 'use-after-poison' },
]

const suite = reason === undefined ? describe : describe.skip
suite(`CUDA emulator: tapes${reason === undefined ? '' : ` (skipped: ${reason})`}`, { timeout: 240_000 }, () => {
  test('of streams, graphs, variables of modules and contexts one after another', async () => {
    const tape = await record('driver_functions')
    const { code, report, launches } = await replay(tape, 'plain')
    expect({ code, report }).toEqual({ code: 0, report: '' })
    expect(totalOf(launches)).toBe(launchesOn(tape))
    // What the program writes is of one value each, which is a fill.
    const actions = new Set([...recordsOf(tape)].map(({ action }) => action))
    expect([...actions].sort()).toEqual([
      'allocate',
      'copy',
      'fill',
      'free',
      'launch',
      'load',
      'read',
      'release',
      'unload',
    ])
  })

  test('that are not whole, or end in other bits, are told', async () => {
    const tape = await record('driver_functions')
    const whole = readFileSync(tape)
    const { payloadAt } = [...recordsOf(tape)].find(({ action }) => action === 'read')!
    const changed = Buffer.from(whole)
    changed.writeUInt8(changed.readUInt8(payloadAt) ^ 1, payloadAt)
    const playing = async (bytes: Buffer) => {
      writeFileSync(tape, bytes)
      return replay(tape, 'plain')
    }
    expect(await playing(changed)).toMatchObject({ code: 1, report: 'what was read is not what was recorded\n' })
    expect(await playing(whole.subarray(0, payloadAt))).toMatchObject({
      code: 1,
      report: 'the tape ends within a record\n',
    })
    expect(await playing(whole.subarray(1))).toMatchObject({ code: 1, report: `${tape} is no tape\n` })
  })

  test.each(cases)('$variant: $bug', async ({ variant, bug, twin, message }) => {
    const caught = await replay(await record('fatal_bugs', [bug]), variant)
    expect(caught.report).toContain(message)
    expect(caught.report).toContain('kernel_k')
    expect(caught.code).not.toBe(0)
    const clean = await replay(await record('fatal_bugs', [twin]), variant)
    expect(clean).toEqual({ code: 0, report: '', launches: new Map([['k', 1]]) })
  })

  const missing = 'reason' in compiler ? ` (skipped: ${compiler.reason})` : ''
  test.skipIf(missing !== '')(`tsan: a missing __syncthreads in a kernel of nvcc${missing}`, async () => {
    if ('reason' in compiler) return
    const tapeOf = async (...defines: string[]) => {
      return record('nvcc_kernels', [await fatBinary(compiler.path, 'kernels', defines)])
    }
    const caught = await replay(await tapeOf('PLANT_MISSING_BARRIER'), 'tsan')
    expect(caught.report).toMatch(/data race[^]*kernels\.cu:\d+/)
    expect(caught.code).not.toBe(0)
    const tape = await tapeOf()
    const { code, report, launches } = await replay(tape, 'tsan')
    expect({ code, report }).toEqual({ code: 0, report: '' })
    expect(totalOf(launches)).toBe(launchesOn(tape))
  })
})
