/** Text to token ids and back, with the tokenizer and the data of the demo. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Tokenizer } from '../../dist/tokenizer/tokenizer.js'
import type { Message } from '../../dist/tokenizer/message.js'
import type { BenchSuite } from '../suite.js'

const example = (path: string) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url))

export async function openTokenization(): Promise<BenchSuite> {
  const directory = example('models/attune-base')
  const tokenizer = await Tokenizer.load(directory)
  const lines = (await readFile(example('data/customer-service.jsonl'), 'utf8')).trim().split('\n')
  const conversations = lines.map((line) => (JSON.parse(line) as { messages: Message[] }).messages)
  const texts = conversations.flatMap((messages) =>
    messages.flatMap(({ content }) => (typeof content === 'string' ? [content] : [])),
  )
  const ids = await tokenizer.encodeBatch(texts)
  const tokens = ids.reduce((sum, row) => sum + row.length, 0)
  const work = { amount: tokens, unit: 'tokens' }
  return {
    tasks: [
      { name: `encode ${texts.length} texts`, work, run: () => tokenizer.encodeBatch(texts) },
      { name: `decode ${texts.length} texts`, work, run: () => Promise.all(ids.map((row) => tokenizer.decode(row))) },
    ],
    async [Symbol.asyncDispose]() {},
  }
}
