// Stores the texts of a file of JSON Lines and prints the most memory that was in use between chunks. Run with a small heap.
import { Dataset } from '../../dist/data/dataset.js'
import { readSource } from '../../dist/data/sources/read-source.js'
import { storeRows } from '../../dist/data/store-rows.js'
import { cachedTokens } from '../../dist/data/token-cache.js'
import { Tokenizer } from '../../dist/tokenizer/tokenizer.js'

const [file, tokenizerDirectory, cache] = process.argv.slice(2)
const tokenizer = await Tokenizer.load(tokenizerDirectory)
let peak = 0
async function* chunks() {
  let rows = []
  for await (const items of readSource({ path: file })) {
    for (const { value } of items) {
      rows.push(value)
      if (rows.length < 256) continue
      yield Dataset.from(rows)
      rows = []
    }
  }
  if (rows.length > 0) yield Dataset.from(rows)
}
const stored = await cachedTokens(cache, 'ab'.repeat(32), (writer) =>
  storeRows(writer, chunks(), {
    task: 'causal-lm',
    tokenizer,
    taskOptions: {},
    onRows: () => {
      const { heapUsed, external, arrayBuffers } = process.memoryUsage()
      peak = Math.max(peak, heapUsed + Math.max(external, arrayBuffers))
    },
  }),
)
// Through the map as well, in an order that no read-ahead helps.
let sum = 0
for (let index = 0; index < stored.examples.length; index++) {
  const at = (index * 7919) % stored.examples.length
  sum += stored.examples.at(at).inputIds.length
}
console.log(JSON.stringify({ examples: stored.examples.length, tokens: stored.summary.tokens, sum, peak }))
