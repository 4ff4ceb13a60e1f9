/** attune's own kernels for products beside NVIDIA's cuBLASLt, where that computes them. */
import { html, type Content } from '../../dist/page/markup.js'
import type { NativeSession } from '../../dist/native.js'
import { cublasLtVariable, openSession, type SessionOptions } from '../../dist/session.js'
import { isAbsent } from './absent.js'
import type { KernelCase } from './kernel-case.js'
import type { KernelResult } from './result.js'

/** A session like `session` in all but that its products are attune's own; undefined where they are already. */
export function openOwnProducts(session: NativeSession, options: SessionOptions): NativeSession | undefined {
  if (session.products === 'attune') return undefined
  const before = process.env[cublasLtVariable] ?? ''
  // A session reads the variable as it is opened.
  process.env[cublasLtVariable] = 'off'
  try {
    return openSession(options)
  } finally {
    process.env[cublasLtVariable] = before
  }
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
  const both = kernels.flatMap((kernel) => {
    const gain = gainOf(kernel)
    return gain === undefined ? [] : [{ name: kernel.name, gain }]
  })
  if (both.length === 0) return undefined
  return html`<table>
    <thead>
      <tr>
        <th>kernel</th>
        <th class="number">time by attune's own kernels over that by cuBLASLt</th>
      </tr>
    </thead>
    <tbody>
      ${both.map(
        ({ name, gain }) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td class="number">${gain.toFixed(2)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}
