/** A file of several times the heap is trained on by a process of its own. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../run-process.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const built = join(root, 'dist')
const url = (path: string): string => JSON.stringify(pathToFileURL(join(built, path)).href)

const program = `
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { streamDataset } from ${url('data/row-stream.js')}
import { Model } from ${url('models/model.js')}
import { Tokenizer } from ${url('tokenizer/tokenizer.js')}
import { Trainer } from ${url('train/trainer.js')}

const folder = process.argv[1]
const tokenizer = await Tokenizer.load(folder)
const path = join(folder, 'rows.jsonl')
const file = openSync(path, 'w')
const rowsPerPart = 128
const part = Array.from({ length: rowsPerPart }, (_, i) =>
  JSON.stringify({ text: 'abcdefgh'.slice(i % 5), note: 'what nobody reads '.repeat(900) }) + '\\n').join('')
const parts = Math.ceil((128 * 2 ** 20) / part.length)
for (let at = 0; at < parts; at++) writeSync(file, part)
closeSync(file)

const size = { vocab_size: tokenizer.vocabSize, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1 }
const config = { model_type: 'bert', ...size, num_attention_heads: 1, max_position_embeddings: 24 }
const model = await Model.fromConfig(config, { seed: 1, threads: 2, task: 'masked-lm' })
// One pass and some steps of the next.
const maxSteps = parts + 5
const trainer = new Trainer(model, { train: streamDataset(path), tokenizer, maxSteps, batchSize: rowsPerPart })
let [steps, early, most, epoch] = [0, 0, 0, 0]
for await (const event of trainer.run()) {
  if (event.type !== 'step') continue
  steps++
  epoch = event.epoch
  const { rss } = process.memoryUsage()
  if (steps === 20) early = rss
  most = Math.max(most, rss)
}
model.dispose()
console.log(JSON.stringify({ steps, maxSteps, epoch, early, most }))
`

test.skipIf(!existsSync(built))(
  'memory stays flat over a file of several times the heap (skipped where dist is not built)',
  async () => {
    const folder = await writeLetterTokenizer()
    try {
      const args = ['--max-old-space-size=48', '--input-type=module', '-e', program, folder]
      const { code, stdout, stderr } = await run(process.execPath, args)
      expect(stderr).toBe('')
      expect(code).toBe(0)
      const result = JSON.parse(stdout) as Record<'steps' | 'maxSteps' | 'epoch' | 'early' | 'most', number>
      expect(result.steps).toBe(result.maxSteps)
      expect(result.epoch).toBeGreaterThan(1)
      // What is garbage, and not yet collected, comes and goes.
      expect(result.most - result.early).toBeLessThan(64 * 2 ** 20)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  240_000,
)
