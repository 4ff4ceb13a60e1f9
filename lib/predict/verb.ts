/** From a verb to the two functions that the API has of it: over a list, and over a stream. */
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import type { Task } from '../task.js'
import type { Settled } from '../options.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { runOptions } from './predict-options.js'
import { predictRows, type RowsVerb, type Source } from './predict-rows.js'

export interface VerbContext {
  readonly model: Model
  readonly tokenizer: Tokenizer
}

type SettledRun = Settled<typeof runOptions>

/** A verb before it knows its model; `Options` are those after defaults. */
export interface VerbOf<Input, Result, Options extends SettledRun> {
  readonly name: string
  readonly task: Task
  readonly make: (context: VerbContext, options: Options) => Omit<RowsVerb<Input, Result>, 'task'>
}

export interface StreamSettings {
  /** Name of row `index` in errors. @default `inputs[index]` */
  readonly nameOf?: ((index: number) => string) | undefined
}

/** A result for each row, or the error that the row cannot be read for. */
export async function* rowsOrErrors<Input, Result, Options extends SettledRun>(
  verb: VerbOf<Input, Result, Options>,
  model: Model,
  source: Source<Input | AttuneError>,
  options: Options,
  { nameOf = (index) => `inputs[${index}]` }: StreamSettings = {},
): AsyncGenerator<Result | AttuneError, void, void> {
  requireTask(verb, model)
  const tokenizer = options.tokenizer ?? (await model.tokenizer())
  const { tokensPerBatch, signal, onProgress } = options
  const made = { ...verb.make({ model, tokenizer }, options), task: verb.task }
  yield* predictRows(model, source, made, { tokensPerBatch, signal, onProgress, nameOf })
}

/** @throws the error of the first row that cannot be read */
export async function* predictStream<Input, Result, Options extends SettledRun>(
  verb: VerbOf<Input, Result, Options>,
  model: Model,
  source: Source<Input>,
  options: Options,
): AsyncGenerator<Result, void, void> {
  for await (const result of rowsOrErrors(verb, model, source, options)) {
    if (result instanceof AttuneError) throw result
    yield result
  }
}

export async function predictList<Input, Result, Options extends SettledRun>(
  verb: VerbOf<Input, Result, Options>,
  model: Model,
  inputs: readonly Input[],
  options: Options,
): Promise<Result[]> {
  if (!Array.isArray(inputs)) {
    const message = `${verb.name} takes a list of inputs, received ${typeof inputs}: put a single one into a list`
    throw new AttuneError('invalid-input', message, { where: 'inputs' })
  }
  const results: Result[] = []
  for await (const result of predictStream(verb, model, inputs, options)) results.push(result)
  return results
}

/** @throws AttuneError 'unsupported-task' naming the model's */
export function requireTask({ name, task }: { readonly name: string; readonly task: Task }, model: Model): void {
  if (model.task === task) return
  const verbs: Partial<Record<Task, string>> = {
    'sequence-classification': 'classify',
    'token-classification': 'tag',
    'question-answering': 'answer',
    embedding: 'embed',
    'causal-lm': 'generate',
    'seq2seq-lm': 'generate',
  }
  const own = verbs[model.task]
  const hint = own === undefined ? '' : `; ${own} is what it can do`
  const message = `${name} needs a model for ${task}, and this one was loaded for ${model.task}${hint}. Load a model that was trained for it, or load this one with task: '${task}' and train it.`
  throw new AttuneError('unsupported-task', message, { where: 'model.task' })
}
