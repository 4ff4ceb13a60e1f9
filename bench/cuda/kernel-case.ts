/** What a case of a kernel says: an op at a shape, once, and what it reads. */
import type { NativeAttributes } from '../../dist/native.js'
import type { KernelDtype } from './kernel-class.js'

/** `set`: a tensor of which copies of the node have several, so that they do not find it in a cache. */
export type KernelInput =
  | { readonly kind: 'set'; readonly shape: readonly number[] }
  | { readonly kind: 'integers'; readonly shape: readonly number[]; readonly values: Int32Array }
  | { readonly kind: 'floats'; readonly shape: readonly number[]; readonly value: number }
  | { readonly kind: 'state'; readonly shape: readonly number[] }
  /** An output of `KernelCase.forward`, computed once. */
  | { readonly kind: 'forward'; readonly output: number }
  | null

export interface KernelNode {
  readonly op: string
  readonly attributes: NativeAttributes
  /** In the op's order. */
  readonly inputs: readonly KernelInput[]
}

export interface KernelCase extends KernelNode {
  /** What tells it from the others of its op. */
  readonly shape: string
  readonly dtype: KernelDtype
  /** What has to be there before: of a backward pass, its forward pass. */
  readonly forward?: KernelNode
  /**
   * How it is timed. 'copies': a program with many of the node less one with few. 'root': a loss makes its gradients only where it is
   * the root, so there is one of it, and its time is what a profile records. 'optimizer': the same of an update of the one input. @default 'copies'
   */
  readonly how?: 'copies' | 'root' | 'optimizer'
  /** Of 'root': which inputs are trained. */
  readonly trained?: readonly number[]
  /** Bytes it moves, where not all of its tensors are read. */
  readonly bytes?: number
}

export function set(...shape: number[]): KernelInput {
  return { kind: 'set', shape }
}

export function integers(values: Int32Array, shape: readonly number[] = [values.length]): KernelInput {
  return { kind: 'integers', shape, values }
}

/** `count` ids below `below` in no order. */
export function ids(count: number, below: number): KernelInput {
  return integers(Int32Array.from({ length: count }, (_, i) => (i * 7919 + 3) % below))
}

export function forwardOutput(output: number): KernelInput {
  return { kind: 'forward', output }
}

/** Of `count` segments of `length` rows: where each begins, and the end. */
export function segments(count: number, length: number): KernelInput {
  return integers(Int32Array.from({ length: count + 1 }, (_, i) => i * length))
}

export function node(
  op: string,
  shape: string,
  dtype: KernelDtype,
  inputs: readonly KernelInput[],
  attributes: KernelNode['attributes'] = {},
): KernelCase {
  return { op, shape, dtype, inputs, attributes }
}

export const lossScale: KernelInput = { kind: 'floats', shape: [1], value: 1e-4 }

export function nameOf({ op, shape, dtype }: KernelCase): string {
  return `${op} ${shape} ${dtype}`
}
