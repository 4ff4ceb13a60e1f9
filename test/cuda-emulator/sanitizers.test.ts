import { describe, expect, test } from 'vitest'
import { run } from '../run-process.ts'
import { program, unavailable, type Variant } from './programs.ts'

const reason = unavailable()

/** Bugs that only a sanitizer sees, each beside a twin without it. */
const cases: { variant: Variant; bug: string; twin: string; message: string }[] = [
  { variant: 'tsan', bug: 'exchange-read-too-early', twin: 'exchange', message: 'data race' },
  { variant: 'tsan', bug: 'exchange-write-too-early', twin: 'exchange', message: 'data race' },
  { variant: 'tsan', bug: 'warp-without-sync', twin: 'warp', message: 'data race' },
  { variant: 'tsan', bug: 'count-without-atomic', twin: 'count', message: 'data race' },
  { variant: 'asan', bug: 'fill-past-the-array', twin: 'fill', message: 'use-after-poison' },
  { variant: 'asan', bug: 'local-past-the-array', twin: 'local', message: 'stack-buffer-overflow' },
]

async function runBug(variant: Variant, name: string) {
  // Leaks are not looked for: the driver's memory is the process's.
  const env = { ASAN_OPTIONS: 'detect_leaks=0', TSAN_OPTIONS: 'exitcode=66' }
  return run(await program('fatal_bugs', variant), [name], env)
}

const suite = reason === undefined ? describe : describe.skip
suite(`CUDA emulator under sanitizers${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  test.each(cases)(
    '$variant: $bug',
    async ({ variant, bug, twin, message }) => {
      const caught = await runBug(variant, bug)
      expect(caught.stderr).toContain(message)
      expect(caught.stderr).toContain('kernel_k')
      expect(caught.code).not.toBe(0)
      const clean = await runBug(variant, twin)
      expect(clean.stderr).toBe('')
      expect(clean.code).toBe(0)
    },
    240_000,
  )
})
