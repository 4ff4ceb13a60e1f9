/** float32 values, row after row. */
export interface Tensor {
  readonly data: Float32Array
  readonly shape: readonly number[]
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}
