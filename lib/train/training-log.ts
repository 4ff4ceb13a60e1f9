import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDirectory, writeJson } from '../export/write-directory.js'
import { omit } from '../options.js'
import type { TrainingEvent } from './events.js'
import type { SettledTrainOptions } from './train-options.js'

export const logFile = 'training-log.jsonl'
export const optionsFile = 'options.json'

/** Adds an event to the log, a line of JSON with the time. */
export async function logEvent(output: string, event: TrainingEvent): Promise<void> {
  await mkdir(output, { recursive: true })
  await appendFile(join(output, logFile), `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`)
}

/** The options of the run with their defaults, without its rows. */
export async function saveOptions(output: string, options: SettledTrainOptions): Promise<void> {
  const plain = omit(options, 'train', 'validation', 'tokenizer')
  await writeDirectory(output, (directory) => writeJson(join(directory, optionsFile), plain))
}
