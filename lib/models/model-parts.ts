/** What a model is made of, and the two ways to get it: from files, or from random numbers. */
import { join } from 'node:path'
import type { ModuleSpec, ParameterSpec } from '../graph/builder.js'
import { native, type NativeSession } from '../native.js'
import type { ModelDefinition } from './family.js'
import { defineModel, type ConfigJson } from './index.js'
import { initializeParameters } from './initialize.js'
import { readJsonObject } from './json-file.js'
import { settleModelOptions, type LoadOptions, type ModelOptions, type SettledModelOptions } from './model-options.js'
import { forwardGraph } from './programs.js'
import { assignWeights, loadParameters, openWeights } from './weights.js'

export interface ModelParts {
  readonly config: ConfigJson
  readonly definition: ModelDefinition
  readonly directory: string | undefined
  readonly options: SettledModelOptions
  readonly session: NativeSession
  readonly parameters: ReadonlyMap<string, ParameterSpec>
  readonly modules: ReadonlyMap<string, ModuleSpec>
}

/** config.json and safetensors of a Hugging Face directory. Options, configuration and weights are checked before memory is taken. */
export async function loadParts(directory: string, given: LoadOptions): Promise<ModelParts> {
  const options = settleModelOptions(given)
  const config = await readJsonObject(join(directory, 'config.json'))
  const definition = defineModel(config, { dropout: options.dropout })
  const files = await openWeights(directory)
  try {
    const { parameters, modules } = forwardGraph(definition, options.dtype, new Map())
    const assigned = assignWeights(parameters.values(), files, fileNames(definition))
    const session = await fill(options, (opened) =>
      loadParameters(opened, parameters.values(), assigned, options.dtype),
    )
    return { config, definition, directory, options, session, parameters, modules }
  } finally {
    files.close()
  }
}

/** Random weights as Hugging Face draws them, from a configuration or a directory that holds one. */
export async function randomParts(source: string | ConfigJson, given: ModelOptions): Promise<ModelParts> {
  const options = settleModelOptions(given)
  const directory = typeof source === 'string' ? source : undefined
  const config = typeof source === 'string' ? await readJsonObject(join(source, 'config.json')) : source
  const definition = defineModel(config, { dropout: options.dropout })
  const { parameters, modules } = forwardGraph(definition, options.dtype, new Map())
  const { initializerRange } = definition
  const session = await fill(options, (opened) =>
    initializeParameters(opened, parameters.values(), { ...options, initializerRange }),
  )
  return { config, definition, directory, options, session, parameters, modules }
}

async function fill(
  { threads, instructionSet }: SettledModelOptions,
  work: (session: NativeSession) => Promise<void>,
): Promise<NativeSession> {
  const session = new (native().Session)({ threads, instructionSet })
  try {
    await work(session)
    return session
  } catch (error) {
    session.dispose()
    throw error
  }
}

/** A tied head that the file holds all the same is the embedding's again. */
function fileNames({ tied, head, parameterOf }: ModelDefinition): (tensor: string) => string | undefined {
  return (tensor) => {
    const name = parameterOf(tensor)
    return tied && name === `${head}.weight` ? undefined : name
  }
}
