/** A LoRA adapter on a model: where it sits, its parameters, and the weights it was merged over. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AttuneError } from '../errors.js'
import type { AdapterGraph, ModuleSpec, ParameterSpec } from '../graph/builder.js'
import type { NativeSession } from '../native.js'
import { placeLora, type LoraConfig } from '../nn/lora.js'
import { isSavedModule, modulesToSave, placeCopies } from './adapter-copies.js'
import type { ModelDefinition } from './family.js'
import { initializeAdapter, initializeCopies, type InitOptions } from './initialize.js'
import { readJsonObject } from './json-file.js'
import { mergedWeight } from './merge.js'
import { readPeftConfig } from './peft-config.js'
import { forwardGraph } from './programs.js'
import { placeTokenRows, putRows, tokenRowsName } from './token-rows.js'
import { assignWeights, loadParameters, openFiles } from './weights.js'

export interface Adapter {
  readonly config: LoraConfig
  readonly placed: AdapterGraph
  /** Names of the modules that are trained whole. */
  readonly modulesToSave: readonly string[]
  readonly parameters: readonly ParameterSpec[]
  /** What merging is undone with; undefined while the adapter is not merged. */
  before: BeforeMerge | undefined
  /** Trainable parameters as they were before the adapter came. */
  readonly trainableBefore: ReadonlySet<string>
}

export interface BeforeMerge {
  /** Weights that were merged into, and with bf16 all that was trained: its float32 masters end with the training. */
  readonly values: ReadonlyMap<string, Float32Array>
  readonly trainable: ReadonlySet<string>
}

export interface AdapterHost extends InitOptions {
  readonly session: NativeSession
  readonly definition: ModelDefinition
  readonly modules: ReadonlyMap<string, ModuleSpec>
  readonly base: ReadonlyMap<string, ParameterSpec>
  /** Parameters that the checkpoint did not have. */
  readonly initialized: readonly string[]
  /** Ids of the tokens that the vocabulary got beside its own. */
  readonly addedTokens: readonly number[]
  /** Whether the model was loaded with dropout off, whatever the configurations say. */
  readonly withoutDropout: boolean
}

/** Defines and fills the adapter's parameters: random ones, or those of a PEFT directory. */
export async function makeAdapter(
  host: AdapterHost,
  given: LoraConfig | undefined,
  from: string | undefined,
  trainableBefore: ReadonlySet<string>,
): Promise<Adapter> {
  const config = from === undefined ? given : await storedConfig(from, given)
  if (config === undefined) {
    throw new AttuneError('invalid-option', 'Expected lora({...}) or `from`, the directory of an adapter.', {
      where: 'adapter',
    })
  }
  const { session, dtype } = host
  const { placed, modulesToSave: saved, parameters } = placeAdapter(host, config, from === undefined)
  if (from === undefined) {
    const low = parameters.filter(({ role }) => role === 'adapter')
    await initializeAdapter(session, low, { ...host, config, tokenRows: placed.tokenRows })
    await initializeCopies(session, parameters, placed.copies, dtype)
  } else await loadAdapter(session, parameters, from, dtype)
  return { config, placed, modulesToSave: saved, parameters, before: undefined, trainableBefore }
}

/** Where an adapter would sit and what it would bring. `strict`: every module that is trained whole must be there. */
export function placeAdapter(
  host: Omit<AdapterHost, 'session' | 'seed'>,
  config: LoraConfig,
  strict: boolean,
): Pick<Adapter, 'placed' | 'modulesToSave' | 'parameters'> {
  const { definition, dtype } = host
  const drawn = host.withoutDropout ? { ...config, dropout: 0 } : config
  const saved = modulesToSave(config, definition, host.initialized)
  const { head } = definition
  const lowRanks = placeLora(
    drawn,
    host.modules.values(),
    (path) => (head.kind === 'vocabulary' && path === head.module) || isSavedModule(saved, path),
  )
  for (const path of lowRanks.keys()) {
    const held = definition.quantized.get(`${path}.weight`)
    if (held === undefined || !config.dora) continue
    const message = `DoRA needs the norm of ${path}.weight, which is held as ${held}: use LoRA, or load the model without quantization.`
    throw new AttuneError('invalid-adapter', message, { where: path })
  }
  const copies = placeCopies(config, saved, host.base, lowRanks, strict)
  const tokenRows = placeTokenRows(config, host, (path) => lowRanks.has(path) || copies.has(`${path}.weight`))
  const placed = { lowRanks, copies, tokenRows }
  const own = new Set(copies.values())
  const parameters = [...forwardGraph(definition, dtype, placed).parameters.values()].filter(
    ({ name, role }) => role === 'adapter' || own.has(name),
  )
  return { placed, modulesToSave: saved, parameters }
}

async function storedConfig(from: string, given: LoraConfig | undefined): Promise<LoraConfig> {
  const path = join(from, 'adapter_config.json')
  const stored = readPeftConfig(await readJsonObject(path), path)
  if (given === undefined) return stored
  for (const field of ['rank', 'alpha', 'rslora', 'dora', 'bias'] as const) {
    if (given[field] !== stored[field]) {
      throw new AttuneError(
        'invalid-adapter',
        `The stored adapter has ${field} ${stored[field]}, but ${given[field]} was asked for. Leave the options out to take its own.`,
        { where: path },
      )
    }
  }
  return { ...stored, dropout: given.dropout }
}

async function loadAdapter(
  session: NativeSession,
  parameters: readonly ParameterSpec[],
  from: string,
  dtype: 'f32' | 'bf16',
): Promise<void> {
  const path = join(from, 'adapter_model.safetensors')
  if (!existsSync(path)) {
    const hint = existsSync(join(from, 'adapter_model.bin'))
      ? ' Convert adapter_model.bin: save_pretrained in PEFT writes safetensors.'
      : ''
    throw new AttuneError('file-not-found', `There is no adapter_model.safetensors in ${from}.${hint}`, { where: path })
  }
  const files = openFiles(path, [path])
  try {
    await loadParameters(
      session,
      parameters,
      assignWeights(parameters, files, (name) => name),
      dtype,
    )
  } finally {
    files.close()
  }
}

/** The weights that the adapter's modules have with the adapter multiplied in, by parameter name. */
export async function mergedWeights(host: AdapterHost, adapter: Adapter): Promise<Map<string, Float32Array>> {
  const { session, definition } = host
  const { lowRanks, copies, tokenRows } = adapter.placed
  if (definition.tied && lowRanks.has(definition.embedding)) {
    throw new AttuneError(
      'invalid-adapter',
      `The adapter sits on "${definition.embedding}", whose table is the head's too: merged, it would change the head. Save the adapter instead.`,
      { where: definition.embedding },
    )
  }
  const merged = new Map<string, Float32Array>()
  for (const [path, lowRank] of lowRanks) {
    const module = host.modules.get(path)
    if (module === undefined) throw new AttuneError('internal', 'an adapter without its module', { where: path })
    merged.set(`${path}.weight`, await mergedWeight(session, module, lowRank))
  }
  for (const [name, copy] of copies) merged.set(name, await session.readParameter(copy))
  for (const [path, ids] of tokenRows) {
    const table = await session.readParameter(`${path}.weight`)
    merged.set(`${path}.weight`, putRows(table, ids, await session.readParameter(tokenRowsName(path))))
  }
  return merged
}

/** Puts the merged weights in place and keeps what they were. */
export async function merge(host: AdapterHost, adapter: Adapter, trainable: ReadonlySet<string>): Promise<void> {
  const { session, definition } = host
  const merged = await mergedWeights(host, adapter)
  for (const name of merged.keys()) {
    const held = definition.quantized.get(name)
    if (held === undefined) continue
    const message = `${name} is held as ${held}, which a merged weight would be rounded to. Save the model with merge: true and load that.`
    throw new AttuneError('invalid-adapter', message, { where: name })
  }
  const values = new Map<string, Float32Array>()
  for (const name of [...merged.keys(), ...(host.dtype === 'bf16' ? trainable : [])]) {
    values.set(name, await session.readParameter(name))
  }
  for (const [name, data] of merged) await session.writeParameter(name, data)
  adapter.before = { values, trainable }
}

/** Puts back, bit for bit, what was there. Before this, the session is told what was trained. */
export async function unmerge(session: NativeSession, adapter: Adapter): Promise<void> {
  for (const [name, data] of adapter.before?.values ?? []) await session.writeParameter(name, data)
  adapter.before = undefined
}
