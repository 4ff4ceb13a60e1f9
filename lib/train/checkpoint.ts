/**
 * A checkpoint is a directory `step-00000120` with the trained weights in float32, the optimizer's state and
 * `state.json`. It is complete or not there: see write-directory.ts.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import { omit } from '../options.js'
import { streamPosition } from './stream-position.js'
import { writeDirectory } from '../export/write-directory.js'

export const weightsFile = 'weights.safetensors'
export const optimizerFile = 'optimizer.safetensors'
const stateFile = 'state.json'
const format = 2

/** A metric may be no number (of a class without rows, say), which JSON has none for. */
const metric = z.number().nullable()

const bestSchema = z.strictObject({ step: z.int(), value: metric, metrics: z.record(z.string(), metric) })

/** JSON writes null for what is no finite number. */
const loss = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN)

const stateSchema = z.strictObject({
  format: z.literal(format, { error: `comes from another version of attune (format ${format} is read)` }),
  /** Optimizer steps done. Learning rate and position in the data follow from it, the latter not in a stream. */
  step: z.int().min(0),
  /** Passes over the data done, for people. */
  epoch: z.number(),
  /** Key of the next dropout masks. */
  random: z.strictObject({ seed: z.int(), draw: z.int().min(0) }),
  /** What decides the numbers of the run: a resumed run must have the same. */
  options: z.record(z.string(), z.unknown()),
  /** SHA-256 of the training examples; of a stream, of how they are encoded. */
  data: z.string(),
  /** Where a stream goes on. */
  stream: streamPosition.optional(),
  /** Step of the last evaluation; -1 before the first. */
  evaluated: z.int(),
  best: bestSchema.nullable(),
  earlyStopping: z.strictObject({ best: z.number().nullable(), waited: z.int().min(0) }),
  /** Mean training loss and validation loss of each evaluation. */
  history: z.array(z.strictObject({ training: loss, validation: loss })),
  /** Sums since the last evaluation and since the epoch began. */
  running: z.strictObject({
    evaluationLoss: loss,
    evaluationSteps: z.int(),
    epochLoss: loss,
    epochSteps: z.int(),
    tokens: z.int(),
    seconds: z.number(),
  }),
  /** Whether the run came to its end. */
  finished: z.boolean(),
})
export type CheckpointState = Omit<z.output<typeof stateSchema>, 'format'>

export interface CheckpointWriter {
  readonly weights: (path: string) => Promise<void>
  readonly optimizer: (path: string) => Promise<void>
}

/** Saves a checkpoint below `root` and returns its directory. */
export async function saveCheckpoint(root: string, state: CheckpointState, writer: CheckpointWriter): Promise<string> {
  const path = join(root, nameOf(state.step))
  await writeDirectory(path, async (partial) => {
    await writer.weights(join(partial, weightsFile))
    await writer.optimizer(join(partial, optimizerFile))
    await writeFile(join(partial, stateFile), `${JSON.stringify({ format, ...state }, null, 2)}\n`)
  })
  return path
}

/** @throws AttuneError 'file-not-found' or 'invalid-checkpoint' */
export async function readCheckpoint(path: string): Promise<CheckpointState> {
  for (const name of [stateFile, weightsFile, optimizerFile]) {
    const file = join(path, name)
    if (!existsSync(file))
      throw new AttuneError('file-not-found', `${path} is no checkpoint: ${name} is missing`, { where: file })
  }
  const where = join(path, stateFile)
  let json: unknown
  try {
    json = JSON.parse(await readFile(where, 'utf8'))
  } catch (cause) {
    throw new AttuneError('invalid-checkpoint', `${where} is no JSON`, { where, cause })
  }
  const result = stateSchema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]
    const message = `${where}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`
    throw new AttuneError('invalid-checkpoint', message, { where })
  }
  return omit(result.data, 'format')
}

/** The complete checkpoints below `root`, oldest first. */
export async function listCheckpoints(root: string): Promise<string[]> {
  if (!existsSync(root)) return []
  const names = (await readdir(root)).filter((name) => /^step-\d+$/.test(name)).sort()
  return names.map((name) => join(root, name)).filter((path) => existsSync(join(path, stateFile)))
}

/** Deletes all but the newest. */
export async function pruneCheckpoints(root: string, keep: number): Promise<void> {
  const all = await listCheckpoints(root)
  for (const path of all.slice(0, Math.max(0, all.length - keep))) await rm(path, { recursive: true, force: true })
}

/** Moves the checkpoints of an earlier run out of the way, in the place of those moved before. Tells whether there were any. */
export async function setAside(root: string): Promise<string | undefined> {
  if ((await listCheckpoints(root)).length === 0) return undefined
  const aside = `${root}.earlier`
  await rm(aside, { recursive: true, force: true })
  await rename(root, aside)
  return aside
}

/** @throws AttuneError 'invalid-checkpoint' naming what differs */
export function requireSameRun(
  path: string,
  saved: CheckpointState,
  options: Readonly<Record<string, unknown>>,
  data: string,
): void {
  const different = [...new Set([...Object.keys(saved.options), ...Object.keys(options)])].filter(
    (key) => JSON.stringify(saved.options[key]) !== JSON.stringify(options[key]),
  )
  const named = different.map((key) => `${key} was ${show(saved.options[key])} and is ${show(options[key])}`)
  if (saved.data !== data) named.push('the training rows are others')
  if (named.length === 0) return
  const message = `${path} comes from another run: ${named.join('; ')}. Resume with the same options and rows, or start anew with resume: false.`
  throw new AttuneError('invalid-checkpoint', message, { where: path })
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'absent'
}

// Eight digits keep the order of names that of numbers.
function nameOf(step: number): string {
  return `step-${String(step).padStart(8, '0')}`
}
