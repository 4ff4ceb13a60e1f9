// Builds the emulator and the test programs beside it, and runs them.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root, run } from '../run-process.ts'

const here = dirname(fileURLToPath(import.meta.url))
const output = join(root, 'build/cuda-emulator')

export type Variant = 'plain' | 'tsan' | 'asan'

const sanitizers: Record<Variant, string[]> = {
  plain: [],
  tsan: ['-g', '-fsanitize=thread'],
  asan: ['-g', '-fsanitize=address'],
}

/** A test as a program reports it: `ok NAME`, or `not ok NAME: REASON`. */
export interface Outcome {
  name: string
  failure: string | undefined
}

/** Why this machine cannot run the emulator, or undefined. */
export function unavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the CUDA emulator runs on Linux x86-64 only'
  return spawnSync('g++', ['--version']).status === 0 ? undefined : 'the CUDA emulator needs g++'
}

async function must(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed\n${stdout}${stderr}`)
  return stdout.trim().split('\n').at(-1)!
}

/** The library's path. */
export function emulator(variant: Variant = 'plain'): Promise<string> {
  return must(process.execPath, ['scripts/build-cuda-emulator.mjs', variant])
}

function contents(folder: string): string {
  return readdirSync(join(here, folder))
    .filter((name) => name.endsWith('.h'))
    .sort()
    .map((name) => readFileSync(join(here, folder, name), 'utf8'))
    .join('')
}

/** Programs that this process has asked for: tests that run side by side want the same one. */
const programs = new Map<string, Promise<string>>()

/** The path of a program of `programs/`, compiled when it or a header changed. */
export function program(name: string, variant: Variant = 'plain'): Promise<string> {
  const key = `${name}-${variant}`
  const known = programs.get(key) ?? compileProgram(name, variant)
  programs.set(key, known)
  return known
}

async function compileProgram(name: string, variant: Variant): Promise<string> {
  const library = await emulator(variant)
  const source = join(here, 'programs', `${name}.cpp`)
  // The compiler must not compute ahead of a rounding mode that a test sets.
  const flags = ['-std=gnu++20', '-O1', '-frounding-math', '-Wall', '-Wextra', `-I${here}`, ...sanitizers[variant]]
  const hash = createHash('sha256')
  for (const part of [
    readFileSync(source, 'utf8'),
    contents('programs'),
    contents('driver'),
    contents('cublaslt'),
    library,
    ...flags,
  ]) {
    hash.update(part)
  }
  const binary = join(output, 'programs', `${name}-${variant}-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(binary)) return binary
  mkdirSync(dirname(binary), { recursive: true })
  const mine = `${binary}.${process.pid}`
  const libraries = name.startsWith('cublaslt') ? [library, join(output, 'libcublaslt-emulated.so')] : [library]
  await must('g++', [...flags, source, ...libraries, `-Wl,-rpath,${dirname(library)}`, '-o', mine])
  renameSync(mine, binary)
  return binary
}

/** Runs a program that reports tests. One that ends badly is a failed test of its own. */
export async function outcomes(name: string, args: string[] = []): Promise<Outcome[]> {
  const { code, signal, stdout, stderr } = await run(await program(name), args)
  const found = stdout.split('\n').flatMap((line): Outcome[] => {
    const [, not, test, reason] = /^(not )?ok (.*?)(?:: (.*))?$/.exec(line) ?? []
    return test === undefined ? [] : [{ name: test, failure: not === undefined ? undefined : (reason ?? 'no reason') }]
  })
  const bad = code !== 0 || found.length === 0
  if (bad) found.push({ name: `${name} runs to its end`, failure: `exit code ${code}, signal ${signal}\n${stderr}` })
  return found
}

/** nvcc's path, or why there is none. */
export async function nvcc(): Promise<{ path: string } | { reason: string }> {
  const { code, stdout, stderr } = await run(process.execPath, ['scripts/cuda-tools.mjs'])
  if (code === 0) return { path: stdout.trim().split('\n').at(-1)! }
  return {
    reason: stderr
      .trim()
      .split('\n')
      .at(-1)!
      .replace(/^attune: /, ''),
  }
}

/** The fat binary of `programs/NAME.cu`: PTX of compute_80, not compressed, with its line numbers. */
export async function fatBinary(path: string, name: string, defines: string[] = []): Promise<string> {
  const target = join(output, 'programs', `${[name, ...defines].join('-')}.fatbin`)
  mkdirSync(dirname(target), { recursive: true })
  const source = join(here, 'programs', `${name}.cu`)
  const options = ['-std=c++17', '-arch=compute_80', '-fatbin', '--no-compress', '-lineinfo', '-Werror', 'all-warnings']
  await must(path, [...options, ...defines.map((name) => `-D${name}`), source, '-o', target])
  return target
}
