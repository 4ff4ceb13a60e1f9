/** How far the kernels of an op are from the float64 reference over all its test cases. */
import type { KernelDtype } from './kernel-class.js'

/** Environment variable that names the JSON file which the tests of ops on CUDA write, an array of `OpError`. */
export const opErrorsVariable = 'ATTUNE_OP_ERRORS'

export interface TensorError {
  /** The largest difference of an element. */
  readonly absolute: number
  /** The same as a part of the reference's largest element. */
  readonly relative: number
  /** The largest part of its tolerance that the difference of an element is: above 1 the test fails. */
  readonly ofTolerance: number
}

export interface OpError {
  readonly op: string
  readonly dtype: KernelDtype
  readonly outputs: TensorError
  /** Undefined where the op has none. */
  readonly gradients?: TensorError
}
