/** What data are inspected for: the model's tokenizer, task, labels and longest input, without its weights. */
import { join } from 'node:path'
import type { ShapeName } from '../data/rows.js'
import { AttuneError } from '../errors.js'
import type { HubOptions } from '../hub/hub-options.js'
import type { ModelDefinition } from '../models/family.js'
import { defineModel } from '../models/index.js'
import { readJsonObject } from '../models/json-file.js'
import { configDirectory } from '../models/model-source.js'
import type { ProblemType, Task } from '../task.js'
import { Tokenizer } from '../tokenizer/tokenizer.js'
import { rowTasks } from './row-tasks.js'

export interface InspectedFor {
  readonly task: Task | undefined
  readonly tokenizer: Tokenizer | undefined
  /** The model's labels; undefined: a new head takes those of the data. */
  readonly labels: readonly string[] | undefined
  readonly problemType: ProblemType | undefined
  /** The most tokens that the model reads. */
  readonly maxPositions: number | undefined
}

export interface InspectedForOptions {
  /** Directory of a model, or its id on the Hub: its config.json and tokenizer are read, its weights are not. */
  readonly model?: string | undefined
  /** A tokenizer or the directory of one. */
  readonly tokenizer?: string | Tokenizer | undefined
  readonly task?: Task | undefined
  readonly labels?: readonly string[] | number | undefined
  readonly problemType?: ProblemType | undefined
  /** How the Hub is reached, where something is an id. Default: as the variables of huggingface_hub say. */
  readonly hub?: HubOptions | undefined
}

/** Known before rows are read; the rest, `forRows` says when their shape is known. */
export interface OpenedModel {
  readonly tokenizer: Tokenizer | undefined
  readonly config: Record<string, unknown> | undefined
}

/** @throws AttuneError 'file-not-found', 'invalid-tokenizer', … */
export async function openModel({ model, tokenizer, hub }: InspectedForOptions): Promise<OpenedModel> {
  const directory = model === undefined ? undefined : await configDirectory(model, { hub })
  const source = tokenizer ?? directory
  const [opened, config] = await Promise.all([
    typeof source === 'string' ? Tokenizer.load(source, { hub }) : source,
    directory === undefined ? undefined : readJsonObject(join(directory, 'config.json')),
  ])
  return { tokenizer: opened, config }
}

/**
 * What rows of a shape are inspected for: the task asked for, else the model's where it takes such rows, else what such rows
 * are usually for, as the command that trains is told then too.
 */
export function forRows(
  { tokenizer, config }: OpenedModel,
  shape: ShapeName | undefined,
  options: InspectedForOptions,
): InspectedFor {
  const suited = shape === undefined ? undefined : rowTasks[shape]
  const given = typeof options.labels === 'number' ? undefined : options.labels
  if (config === undefined) {
    const { task = suited?.[0], problemType } = options
    return { task, tokenizer, labels: given, problemType, maxPositions: undefined }
  }
  // A model makes rows no better that no task takes.
  if (shape !== undefined && suited === undefined && options.task === undefined) {
    return { task: undefined, tokenizer, labels: given, problemType: options.problemType, maxPositions: undefined }
  }
  const define = (task: Task | undefined): ModelDefinition =>
    defineModel(config, { task, labels: options.labels, problemType: options.problemType })
  const usual = define(options.task)
  const fits = options.task !== undefined || suited === undefined || suited.includes(usual.task)
  const definition = fits ? usual : firstThatWorks(suited, define, usual)
  const stored = definition.task === usual.task ? definition.labels : []
  const named = stored.some((name) => !/^LABEL_\d+$/.test(name))
  return {
    task: definition.task,
    tokenizer,
    labels: given ?? (named ? stored : undefined),
    problemType: named || options.problemType !== undefined ? definition.problemType : undefined,
    maxPositions: definition.maxPositions,
  }
}

/** The model with the head of a task that its family has. */
function firstThatWorks(
  suited: readonly Task[],
  define: (task: Task) => ModelDefinition,
  usual: ModelDefinition,
): ModelDefinition {
  for (const task of suited) {
    try {
      return define(task)
    } catch (error) {
      if (!(error instanceof AttuneError) || error.code !== 'unsupported-task') throw error
    }
  }
  return usual
}
