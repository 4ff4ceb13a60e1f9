import type { NativeAttributes } from '../../lib/native.js'

/** A float input: normal random numbers, or those given. In a bf16 graph they are rounded to bf16 first, for kernel and reference alike. */
export interface FloatInput {
  readonly kind: 'float'
  readonly shape: readonly number[]
  readonly values?: readonly number[]
  /** Standard deviation. @default 1 */
  readonly std: number
  /** Whether its gradient is checked. @default true */
  readonly differentiate: boolean
}

/** An i32 input with its values. */
export interface IntegerInput {
  readonly kind: 'integer'
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

/** A float32 input whatever the graph's dtype, with its values: `loss_scale`, targets, class weights. */
export interface Float32Input {
  readonly kind: 'float32'
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

export type CaseInput = FloatInput | IntegerInput | Float32Input | null

/** What a case says; the runner does the rest. */
export interface OpCase {
  /** Tells this case from the others of its op. */
  readonly name: string
  readonly attributes: NativeAttributes
  /** In the op's order; null where an optional input is absent. */
  readonly inputs: readonly CaseInput[]
}

export interface OpCases {
  readonly op: string
  readonly cases: readonly OpCase[]
  /** Name of the scalar output to differentiate from, for ops that must be the root. By default output 0 gets a random gradient. */
  readonly loss?: string
}

export function float(shape: readonly number[], options: { std?: number; differentiate?: boolean } = {}): FloatInput {
  return { kind: 'float', shape, std: options.std ?? 1, differentiate: options.differentiate ?? true }
}

/** A float input with its values; no gradient is checked. */
export function floats(shape: readonly number[], values: readonly number[]): FloatInput {
  return { kind: 'float', shape, values, std: 1, differentiate: false }
}

export function integers(values: readonly number[]): IntegerInput {
  return { kind: 'integer', shape: [values.length], values }
}

export function float32(shape: readonly number[], values: readonly number[]): Float32Input {
  return { kind: 'float32', shape, values }
}

export function scalar(value: number): Float32Input {
  return float32([1], [value])
}

/** `count` integers below `below`, spread over the range in no order. */
export function spread(count: number, below: number): number[] {
  return Array.from({ length: count }, (_, index) => (index * 7919 + 3) % below)
}

/** 0, 1, … count - 1. */
export function ascending(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
