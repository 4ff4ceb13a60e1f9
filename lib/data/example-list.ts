import { AttuneError } from '../errors.js'
import type { EncodedExample } from './example.js'

/** Examples by index, wherever they are held: a list may make each one anew when it is asked for. */
export interface ExampleList<Example = EncodedExample> extends Iterable<Example> {
  readonly length: number
  /** @throws AttuneError 'invalid-option' for an index that is not from 0 to `length` - 1 */
  at(index: number): Example
}

/** A list of what `read` gives for each index. */
export function exampleList<Example>(
  length: number,
  read: (index: number) => Example | undefined,
): ExampleList<Example> {
  const at = (index: number): Example => {
    const example = index >= 0 && index < length ? read(index) : undefined
    if (example !== undefined) return example
    throw new AttuneError('invalid-option', `there is no example ${index} of ${length}`, { where: 'index' })
  }
  return {
    length,
    at,
    *[Symbol.iterator]() {
      for (let index = 0; index < length; index++) yield at(index)
    },
  }
}

/** An array as a list. */
export function listOf<Example>(examples: readonly Example[] | ExampleList<Example>): ExampleList<Example> {
  return isArray(examples) ? exampleList(examples.length, (index) => examples[index]) : examples
}

function isArray<Example>(examples: readonly Example[] | ExampleList<Example>): examples is readonly Example[] {
  return Array.isArray(examples)
}
