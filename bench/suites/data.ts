/** From a file of conversations to examples: read, put through the chat template, tokenized. */
import { fileURLToPath } from 'node:url'
import { loadDataset, Model } from '../../dist/index.js'
import { prepareData } from '../../dist/data/prepare-data.js'
import type { BenchSuite } from '../suite.js'

const example = (path: string) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url))

export async function openData(): Promise<BenchSuite> {
  const model = await Model.load(example('models/attune-base'))
  const tokenizer = await model.tokenizer()
  const file = example('data/customer-service.jsonl')
  const dataset = await loadDataset(file)
  const work = { amount: dataset.length, unit: 'rows' }
  return {
    tasks: [
      { name: 'read and recognize', work, run: () => loadDataset(file) },
      {
        name: 'template, tokenize, label',
        work,
        run: () => prepareData(dataset, model, { tokenizer, maxLength: 512 }, 'dataset'),
      },
    ],
    [Symbol.asyncDispose]() {
      model.dispose()
      return Promise.resolve()
    },
  }
}
