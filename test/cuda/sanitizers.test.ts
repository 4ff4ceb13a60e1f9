/**
 * attune's kernels under sanitizers. node cannot be built with one, so what is done on the emulated GPU is written to tapes, and a
 * program that is built with one plays them. Here these are the cases of a few ops, under ThreadSanitizer alone;
 * `npm run test:cuda-sanitizers` records every op and some models, names the tapes' folder in ATTUNE_CUDA_TAPES, and leaves out neither
 * a sanitizer nor a kernel.
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { openSession } from '../../lib/session.js'
import { launchesOn, newTapeFolder, replay, tapeSetting, tapesIn, totalOf } from '../cuda-emulator/tapes.js'
import { checkCase } from '../ops/check-case.js'
import { suites } from '../ops/suites.js'
import { describeCuda } from './describe-cuda.js'
import { unavailableCuda } from './emulated-cuda.js'

const modules = join(dirname(fileURLToPath(import.meta.url)), '../../build/cuda')
const given = process.env.ATTUNE_CUDA_TAPES
const variants = given === undefined ? (['tsan'] as const) : (['tsan', 'asan'] as const)

/** Without ATTUNE_CUDA_TAPES: ops, and the modules whose every kernel their cases must reach. */
const share = {
  ops: ['add', 'rms_norm', 'linear'],
  modules: ['add', 'rms_norm', 'small_product', 'thin_product'],
}

/** Kernels that no tape need reach, and why. */
const excused: Readonly<Record<string, string>> = {
  multiply_add_peak: 'of the benchmark alone',
  stream_read: 'of the benchmark alone',
}

async function recordShare(): Promise<string> {
  const folder = newTapeFolder()
  afterAll(() => rmSync(folder, { recursive: true }))
  process.env.ATTUNE_CUDA_EMULATOR = tapeSetting(folder)
  const session = openSession({ device: 'cuda', threads: 1, instructionSet: '' })
  for (const suite of suites.filter(({ op }) => share.ops.includes(op))) {
    for (const definition of suite.cases) {
      for (const dtype of ['f32', 'bf16'] as const) await checkCase(session, suite, definition, dtype)
    }
  }
  session.dispose()
  return folder
}

/** Of the modules named, or of all. */
function kernelsOf(names?: readonly string[]): string[] {
  const files =
    names?.map((name) => `${name}.fatbin`) ?? readdirSync(modules).filter((file) => file.endsWith('.fatbin'))
  const found = files.flatMap((file) => {
    const image = readFileSync(join(modules, file), 'latin1')
    return [...image.matchAll(/\.visible \.entry (\w+)\(/g)].map(([, name]) => name!)
  })
  return [...new Set(found)] // there is PTX of more than one architecture
}

const tapes = (await unavailableCuda()) === undefined ? tapesIn(given ?? (await recordShare())) : []
const replays = tapes.flatMap((tape) => variants.map((variant) => ({ variant, tape, name: basename(tape) })))

describeCuda(() => {
  const played = new Map<string, Set<string>>(variants.map((variant) => [variant, new Set()]))

  test.concurrent.each(replays)(
    '$variant has nothing to say of $name',
    async ({ variant, tape }) => {
      const { code, report, launches } = await replay(tape, variant)
      expect({ code, report }).toEqual({ code: 0, report: '' })
      expect(totalOf(launches)).toBe(launchesOn(tape))
      for (const kernel of launches.keys()) played.get(variant)!.add(kernel)
    },
    given === undefined ? 600_000 : 7_200_000,
  )

  test.each(variants)('%s saw every kernel', (variant) => {
    const wanted = kernelsOf(given === undefined ? share.modules : undefined)
    expect(wanted).not.toEqual([])
    const missing = wanted.filter((kernel) => !played.get(variant)!.has(kernel))
    expect(missing).toEqual(wanted.filter((kernel) => kernel in excused))
  })
}, 'under sanitizers')
