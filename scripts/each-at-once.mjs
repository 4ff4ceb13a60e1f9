// Work on many things, as many at once as there are processors, two at least.
import { availableParallelism } from 'node:os'

/** Resolves when `work` has resolved for each of `items`, begun in their order. */
export async function eachAtOnce(items, work) {
  const waiting = [...items]
  async function worker() {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker))
}
