/** What a model is made of, and the two ways to get it: from files, or from random numbers. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ModuleSpec, ParameterSpec } from '../graph/builder.js'
import type { NativeSession } from '../native.js'
import { readAdapterTask } from './adapter-task.js'
import type { ConfigJson, ModelDefinition } from './family.js'
import { defineModel } from './index.js'
import { initializeParameters } from './initialize.js'
import { readJsonObject } from './json-file.js'
import { adapterDirectory, configDirectory, modelDirectory } from './model-source.js'
import { settleModelOptions, type LoadOptions, type ModelOptions, type SettledModelOptions } from './model-options.js'
import { matchesModule } from './parameter-selection.js'
import { forwardGraph } from './programs.js'
import { quantizedParameters } from './quantize.js'
import { requireWeightsFit } from './require-weights-fit.js'
import { sentenceModules } from './sentence-modules.js'
import type { TaskRequest } from './task.js'
import { openSession } from '../session.js'
import { Tokenizer } from '../tokenizer/tokenizer.js'
import { assignWeights, loadParameters, openWeights, type AssignOptions, type WeightFiles } from './weights.js'

export interface ModelParts {
  readonly config: ConfigJson
  readonly definition: ModelDefinition
  readonly directory: string | undefined
  readonly options: SettledModelOptions
  readonly session: NativeSession
  readonly parameters: ReadonlyMap<string, ParameterSpec>
  readonly modules: ReadonlyMap<string, ModuleSpec>
  /** Parameters that started with random values because the checkpoint has none. */
  readonly initialized: readonly string[]
  /** With the tokens that were added, where any were. */
  readonly tokenizer: Tokenizer | undefined
  /** Ids of those. */
  readonly addedTokens: readonly number[]
}

/** config.json and safetensors of a directory or a repository. Options, configuration and weights are checked before memory is taken. */
export async function loadParts(source: string, given: LoadOptions): Promise<ModelParts> {
  const settled = settleModelOptions(given)
  const { dropout, dtype, request, hub, revision } = settled
  const directory = await modelDirectory(source, { hub, revision })
  const adapter = settled.adapter === undefined ? undefined : await adapterDirectory(settled.adapter, { hub })
  const options = { ...settled, adapter }
  const trained = adapter === undefined ? {} : await readAdapterTask(adapter)
  const { tokenizer, addedTokens } = await extendedTokenizer(directory, options)
  const config = withVocabulary(await readJsonObject(join(directory, 'config.json')), tokenizer)
  const stored = await sentenceModules(directory)
  const configured = defineModel(config, {
    ...combined(request, trained),
    dropout,
    pooling: request.pooling ?? stored.pooling,
    normalize: request.normalize ?? stored.normalize,
  })
  const files = await openWeights(directory)
  try {
    const { definition, parameters, modules } = quantized(asStored(configured, files), options)
    const named = fileNames(definition, options.newHead)
    const mayGrow = tokenizer === undefined ? undefined : vocabularyTables(definition)
    const rules = { ...headRules(definition, [...files.tensors.keys()].map(named)), mayGrow }
    const assigned = assignWeights(parameters.values(), files, named, rules)
    const missing = [...parameters.values()].filter(({ name }) => !assigned.has(name))
    const session = await fill(options, { definition, parameters }, async (opened) => {
      const found = [...parameters.values()].filter(({ name }) => assigned.has(name))
      await loadParameters(opened, found, assigned, dtype, definition.quantized)
      await initializeParameters(opened, missing, { ...options, definition })
    })
    const initialized = missing.map(({ name }) => name)
    const whole = { config, definition, directory, options, session, parameters, modules, initialized }
    return { ...whole, tokenizer, addedTokens }
  } finally {
    files.close()
  }
}

/** Random weights as Hugging Face draws them, from a configuration, or a directory or repository that holds one. */
export async function randomParts(source: string | ConfigJson, given: ModelOptions): Promise<ModelParts> {
  const options = settleModelOptions(given)
  const directory = typeof source === 'string' ? await configDirectory(source, options) : undefined
  const config = typeof source === 'object' ? source : await readJsonObject(join(directory ?? '', 'config.json'))
  const plain = defineModel(config, { ...options.request, dropout: options.dropout })
  const { definition, parameters, modules } = quantized(plain, options)
  const session = await fill(options, { definition, parameters }, (opened) =>
    initializeParameters(opened, parameters.values(), { ...options, definition }),
  )
  const initialized = [...parameters.keys()]
  const whole = { config, definition, directory, options, session, parameters, modules, initialized }
  return { ...whole, tokenizer: undefined, addedTokens: [] }
}

/** The definition with what is quantized, and the parameters and modules that it names. */
function quantized(
  definition: ModelDefinition,
  { dtype, quantization }: SettledModelOptions,
): Pick<ModelParts, 'definition' | 'parameters' | 'modules'> {
  const { parameters, modules } = forwardGraph(definition, dtype)
  const held = quantizedParameters(quantization, modules, parameters, definition)
  return { definition: { ...definition, quantized: held }, parameters, modules }
}

/** The tokenizer with the tokens that the caller adds, or that the adapter came with; undefined where that is none. */
async function extendedTokenizer(
  directory: string,
  { addTokens, adapter }: SettledModelOptions,
): Promise<Pick<ModelParts, 'tokenizer' | 'addedTokens'>> {
  const none = { tokenizer: undefined, addedTokens: [] }
  if (addTokens.length === 0 && (adapter === undefined || !existsSync(join(adapter, 'tokenizer.json')))) return none
  if (addTokens.length === 0 && !existsSync(join(directory, 'tokenizer.json'))) return none
  const tokenizer = await Tokenizer.load(directory)
  const learned = adapter === undefined ? [] : await tokenizer.addedIn(adapter)
  const extended = tokenizer.withAddedTokens([...learned, ...addTokens])
  if (extended === tokenizer) return none
  const { vocabSize: first } = tokenizer
  return { tokenizer: extended, addedTokens: Array.from({ length: extended.vocabSize - first }, (_, i) => first + i) }
}

function withVocabulary(config: ConfigJson, tokenizer: Tokenizer | undefined): ConfigJson {
  const { vocab_size: rows } = config
  return tokenizer === undefined || typeof rows !== 'number' || rows >= tokenizer.vocabSize
    ? config
    : { ...config, vocab_size: tokenizer.vocabSize }
}

/** Whether a parameter has a row, or a value, for each token. */
function vocabularyTables({ embedding, head }: ModelDefinition): (name: string) => boolean {
  const names = new Set([`${embedding}.weight`])
  if (head.kind === 'vocabulary') {
    for (const part of ['weight', 'bias']) names.add(`${head.module}.${part}`)
    if (head.bias !== undefined) names.add(head.bias)
  }
  return (name) => names.has(name)
}

/** What the caller asks for, and where that leaves something open what an adapter was trained for. */
function combined(request: TaskRequest, trained: TaskRequest): TaskRequest {
  if (request.task !== undefined && request.task !== trained.task) return request
  return {
    ...request,
    task: trained.task,
    problemType: request.problemType ?? trained.problemType,
    labels: request.labels ?? trained.labels,
  }
}

async function fill(
  { device, threads, instructionSet, dtype }: SettledModelOptions,
  { definition, parameters }: Pick<ModelParts, 'definition' | 'parameters'>,
  work: (session: NativeSession) => Promise<void>,
): Promise<NativeSession> {
  const session = openSession({ device, threads, instructionSet })
  try {
    requireWeightsFit(session, { definition, dtype, parameters: [...parameters.values()] })
    await work(session)
    return session
  } catch (error) {
    session.dispose()
    throw error
  }
}

/** transformers 5 writes "tied" for every T5, whatever head the file holds: one that is not the embedding's stands alone. */
function asStored(definition: ModelDefinition, files: WeightFiles): ModelDefinition {
  const { head, parameterOf } = definition
  if (head.kind !== 'vocabulary' || head.tiedTo === undefined) return definition
  const names = { head: `${head.module}.weight`, table: `${head.tiedTo}.weight` }
  const stored = new Map([...files.tensors].map(([tensor, value]) => [parameterOf(tensor), value]))
  const [own, table] = [stored.get(names.head), stored.get(names.table)]
  if (own === undefined || table === undefined) return definition
  const values = table.file.read(table.info.name)
  if (own.file.read(own.info.name).every((value, i) => value === values[i])) return definition
  const modules = head.modules.map((path) => (path === head.tiedTo ? head.module : path))
  const untied = { ...head, tiedTo: undefined, modules }
  return { ...definition, head: untied, headModules: modules, tied: false }
}

/** A tied head that the file holds all the same is the embedding's again; one that is to be new is left out. */
function fileNames(definition: ModelDefinition, newHead: boolean): (tensor: string) => string | undefined {
  const { head, parameterOf } = definition
  const tied = head.kind === 'vocabulary' && head.tiedTo !== undefined ? `${head.module}.weight` : undefined
  return (tensor) => {
    const name = parameterOf(tensor)
    const dropped = name === tied || (newHead && name !== undefined && isHeadParameter(definition, name))
    return dropped ? undefined : name
  }
}

/** A module of the head may be new; one that is there must be whole. Heads of other tasks are left alone. */
function headRules(definition: ModelDefinition, stored: readonly (string | undefined)[]): AssignOptions {
  const { head, headTensors, labels } = definition
  const isNew = (path: string) => !stored.some((name) => name !== undefined && matchesModule(path, name))
  const fresh = head.kind !== 'vocabulary' || head.optional === true ? ownModules(definition).filter(isNew) : []
  return {
    mayBeMissing: (name) => fresh.some((path) => matchesModule(path, name)),
    mayBeLeft: (name) => headTensors.test(name),
    shapeAdvice: (name) =>
      head.kind === 'labels' && isHeadParameter(definition, name)
        ? `; the checkpoint's head is not one for the ${labels.length} labels asked for: leave \`labels\` out, or ask for newHead: true`
        : '',
  }
}

function isHeadParameter(definition: ModelDefinition, name: string): boolean {
  return ownModules(definition).some((path) => matchesModule(path, name))
}

/** Modules of the head alone: not a tied embedding. */
function ownModules({ head, headModules }: ModelDefinition): readonly string[] {
  return head.kind === 'vocabulary' ? headModules.filter((path) => path !== head.tiedTo) : headModules
}
