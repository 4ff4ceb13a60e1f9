#!/usr/bin/env node
// Schema-Guided Dialogue: what users say to an assistant, with the places where they name a city, a time, a title …
// -> out/{train,validation,test}.jsonl, rows { tokens, tags } in the BIO scheme.
//
//   node examples/slot-tagging/prepare.mjs [--data ../shared/datasets/schema-guided-dialogue]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { datasetFolder, outputBeside, writeParts } from '../prepare/dataset-folder.mjs'
import { splitByHash } from '../prepare/split.mjs'

// The published test set has other services, so other slots: a tagger cannot know them. Dialogues of the training files are split instead.
const files = Array.from({ length: 8 }, (_, i) => `train/dialogues_00${i + 1}.json.gz`)
const folder = datasetFolder('schema-guided-dialogue', files)
const dialogues = files.flatMap((file) => JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString('utf8')))
const split = splitByHash(dialogues, (dialogue) => dialogue.dialogue_id, { 8: 'validation', 9: 'test' })
const parts = Object.entries(split).map(([part, chosen]) => [
  part,
  chosen.flatMap(({ turns }) => turns.flatMap(tagged)),
])
writeParts(outputBeside(import.meta.url), Object.fromEntries(parts))

/** A row for a turn of the user's, none for the assistant's. */
function tagged({ speaker, utterance, frames }) {
  if (speaker !== 'USER') return []
  const slots = frames.flatMap((frame) => frame.slots)
  const words = [...utterance.matchAll(/[\p{L}\p{N}]+|[^\p{L}\p{N}\s]/gu)]
  if (words.length === 0) return []
  const slotOf = words.map(({ index, 0: word }) =>
    slots.find(({ start, exclusive_end: end }) => index < end && index + word.length > start),
  )
  const tags = slotOf.map((slot, i) =>
    slot === undefined ? 'O' : `${i > 0 && slotOf[i - 1] === slot ? 'I' : 'B'}-${slot.slot}`,
  )
  return [{ tokens: words.map(([word]) => word), tags }]
}
