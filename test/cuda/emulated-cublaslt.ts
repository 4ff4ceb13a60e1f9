/**
 * Has this process's sessions multiply by the emulator's stand-in for cuBLASLt, which writes down what it computed. On a GPU it is the
 * GPU's own cuBLASLt, or none, and nothing is written down.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cublasLtVariable } from '../../lib/session.js'
import { driverVariable, unavailableCuda } from './emulated-cuda.js'

const reason = await unavailableCuda()

/** Environment variable with the stand-in's settings. */
export const standInVariable = 'ATTUNE_CUBLASLT_EMULATOR'

/** A product as the library sees it, column by column: D (m, n) = alpha op(A) op(B) + what is added. */
export interface ComputedProduct {
  readonly m: number
  readonly n: number
  readonly k: number
  /** Factors that are transposed. */
  readonly transposed: '' | 'A' | 'B' | 'AB'
  readonly type: 'bf16' | 'f32'
  readonly alpha: number
  /** With beta = 1: another matrix, or what D held. */
  readonly added: 'nothing' | 'C' | 'D'
  readonly bias: boolean
}

/** Path of the stand-in; undefined where nothing is emulated. */
export function standIn(): string | undefined {
  if (reason !== undefined) return undefined
  const driver = process.env[driverVariable] ?? ''
  return driver.endsWith('libcuda-emulated.so') ? join(dirname(driver), 'libcublaslt-emulated.so') : undefined
}

/** Products that were computed on the emulated GPU since the last look, by this process and those it started. */
export class CublasLtTrace {
  readonly #folder = mkdtempSync(join(tmpdir(), 'attune-cublaslt-'))
  readonly #file = join(this.#folder, 'products.jsonl')

  /** Before a session is opened. */
  constructor() {
    const path = standIn()
    if (path === undefined) return
    process.env[cublasLtVariable] = path
    process.env[standInVariable] = `trace=${this.#file}`
  }

  take(): ComputedProduct[] {
    if (!existsSync(this.#file)) return []
    const lines = readFileSync(this.#file, 'utf8').trim().split('\n')
    rmSync(this.#file)
    return lines.map((line) => JSON.parse(line) as ComputedProduct)
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true })
  }
}
