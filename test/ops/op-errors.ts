/** The largest errors of each op over its cases, written to the file that ATTUNE_OP_ERRORS names. */
import { writeFileSync } from 'node:fs'
import { opErrorsVariable, type OpError, type TensorError } from '../../bench/cuda/op-error.js'
import type { CaseDtype } from './tolerance.js'

export type RecordError = (part: 'outputs' | 'gradients', error: TensorError) => void

const none: TensorError = { absolute: 0, relative: 0, ofTolerance: 0 }

export class OpErrors {
  readonly #largest = new Map<string, OpError>()

  /** For the cases of an op. */
  recorder(op: string, dtype: CaseDtype): RecordError {
    return (part, error) => {
      const key = `${op} ${dtype}`
      const known = this.#largest.get(key) ?? { op, dtype, outputs: none }
      this.#largest.set(key, { ...known, [part]: larger(known[part] ?? none, error) })
    }
  }

  all(): OpError[] {
    return [...this.#largest.values()]
  }

  writeWhereAsked(): void {
    const path = process.env[opErrorsVariable] ?? ''
    if (path !== '') writeFileSync(path, JSON.stringify(this.all()))
  }
}

function larger(a: TensorError, b: TensorError): TensorError {
  return {
    absolute: Math.max(a.absolute, b.absolute),
    relative: Math.max(a.relative, b.relative),
    ofTolerance: Math.max(a.ofTolerance, b.ofTolerance),
  }
}
