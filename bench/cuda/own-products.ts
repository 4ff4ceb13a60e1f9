/** attune's own kernels for products beside NVIDIA's cuBLASLt, where that computes them. */
import type { Content } from '../../dist/page/markup.js'
import type { NativeSession } from '../../dist/native.js'
import { cublasLtVariable, openSession, type SessionOptions } from '../../dist/session.js'
import { isAbsent } from './absent.js'
import type { KernelCase } from './kernel-case.js'
import { resultTable } from './result-table.js'
import type { KernelResult } from './result.js'
import { withVariable } from './with-variable.js'

/** A session like `session` in all but that its products are attune's own; undefined where they are already. */
export async function openOwnProducts(
  session: NativeSession,
  options: SessionOptions,
): Promise<NativeSession | undefined> {
  if (session.products === 'attune') return undefined
  return withVariable(cublasLtVariable, 'off', () => openSession(options))
}

const ops = new Set(['linear', 'linear_weight_gradient', 'linear_cross_entropy'])

/** Whether its products are cuBLASLt's where there are many rows. */
export function mayUseCublasLt({ op, dtype }: KernelCase): boolean {
  return dtype === 'bf16' && ops.has(op)
}

/** How much faster cuBLASLt is; undefined where a figure is missing. */
export function gainOf({ time, own }: KernelResult): number | undefined {
  return own === undefined || isAbsent(own) || isAbsent(time) ? undefined : own.seconds / time.seconds
}

export function ownProductsPart(kernels: readonly KernelResult[]): Content {
  const rows = kernels.flatMap((kernel) => {
    const gain = gainOf(kernel)
    return gain === undefined ? [] : [{ head: [kernel.name], cells: [gain.toFixed(2)] }]
  })
  if (rows.length === 0) return undefined
  return resultTable(['kernel', "time by attune's own kernels over that by cuBLASLt"], rows)
}
