// The rows that both contenders read: one of the real sets, written again and again with a number in each until there are enough.
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import { parse } from 'csv-parse/sync'

const sets = {
  async 'support-replies'(folder) {
    const path = join(folder, 'support-replies/Bitext_Sample_Customer_Support_Training_Dataset.csv')
    const rows = parse(await readFile(path, 'utf8'), { columns: true, bom: true })
    return rows.map(({ instruction, response }) => [instruction, response])
  },
  async instructions(folder) {
    const rows = JSON.parse(await readFile(join(folder, 'instructions-1100/instruction-data.json'), 'utf8'))
    return rows.map(({ instruction, input, output }) => [
      input === '' ? instruction : `${instruction}\n\n${input}`,
      output,
    ])
  },
}

/** Writes conversations as JSON Lines. */
export async function writeConversations(path, { set, folder, rows: count }) {
  const read = sets[set]
  if (read === undefined) throw new Error(`--set: expected ${Object.keys(sets).join(' or ')}, received ${set}`)
  const rows = await read(folder)
  const file = createWriteStream(path)
  for (let index = 0; index < count; index++) {
    const [asked, answer] = rows[index % rows.length]
    const messages = [
      { role: 'user', content: `${asked} (${index})` },
      { role: 'assistant', content: answer },
    ]
    if (!file.write(`${JSON.stringify({ messages })}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}
