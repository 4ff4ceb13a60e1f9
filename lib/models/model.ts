import { join } from 'node:path'
import { AttuneError } from '../errors.js'
import type { ModuleSpec, ParameterSpec } from '../graph/builder.js'
import { native, type NativeMemory, type NativeRandom, type NativeSession } from '../native.js'
import { suggestion } from '../nearest.js'
import type { LoraConfig } from '../nn/lora.js'
import { Tokenizer } from '../tokenizer/tokenizer.js'
import { makeAdapter, merge, mergedWeights, unmerge, type Adapter, type AdapterHost } from './adapter.js'
import { causalTargets, flatten, forwardInputs, lossInputs, type Batch, type FlatBatch, type Targets } from './batch.js'
import { Decoder, type DecoderOptions } from './decoder.js'
import type { ModelDefinition } from './family.js'
import { defineModel, type ConfigJson } from './index.js'
import { initializeParameters } from './initialize.js'
import { readJsonObject } from './json-file.js'
import {
  settleModelOptions,
  type LoadOptions,
  type ModelDtype,
  type ModelOptions,
  type SettledModelOptions,
} from './model-options.js'
import { Optimizer, settleGroups, type OptimizerOptions, type StepOptions, type StepResult } from './optimizer.js'
import { selectTrainable, type TrainableSelection } from './parameter-selection.js'
import { writePeftConfig } from './peft-config.js'
import { forwardGraph, Programs, type Adapters } from './programs.js'
import { checkSaveOptions, saveAdapter, saveModel, type SaveOptions } from './save.js'
import { elementCount, type Tensor } from './tensor.js'
import { assignWeights, loadParameters, openWeights } from './weights.js'

export interface Parameter {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: ModelDtype
  readonly trainable: boolean
}

export interface Gradients {
  /** Mean over the labelled tokens. */
  readonly loss: number
  /** Labelled tokens. */
  readonly tokens: number
  readonly gradients: Map<string, Tensor>
}

export interface BatchEvaluation {
  /** Sum over the labelled tokens, in nats. */
  readonly lossSum: number
  /** Labelled tokens. */
  readonly tokens: number
  /** Labelled tokens whose most likely token was the label. */
  readonly correct: number
  /** Of each labelled token, in order. */
  readonly losses: Float32Array
}

/** Largest sizes of a step, for `plan`. */
export interface BatchSizes {
  readonly tokens: number
  readonly sequences: number
  /** Labelled tokens. */
  readonly rows: number
}

const noAdapters: Adapters = new Map()

/** A language model with its weights. Dispose of it, or declare it with `await using`. */
export class Model implements AsyncDisposable {
  readonly config: ConfigJson
  readonly definition: ModelDefinition
  readonly dtype: ModelDtype
  /** Where it was loaded from. */
  readonly directory: string | undefined

  readonly #session: NativeSession
  readonly #options: SettledModelOptions
  readonly #programs: Programs
  readonly #base: ReadonlyMap<string, ParameterSpec>
  readonly #modules: ReadonlyMap<string, ModuleSpec>
  #adapter: Adapter | undefined
  #trainable: ReadonlySet<string>
  /** Whether the session knows `#trainable`: it allocates gradients, so it is told only when they are needed. */
  #trainableKnown = false
  /** Counts changes of what is trained: an optimizer belongs to one state. */
  #generation = 0
  /** Whether base weights may differ from those loaded. */
  #baseChanged = false
  #random: NativeRandom
  #tokenizer: Promise<Tokenizer> | undefined
  #disposed = false
  /** Ends when the last call that needs several native calls in a row has ended. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(made: {
    config: ConfigJson
    definition: ModelDefinition
    directory: string | undefined
    options: SettledModelOptions
    session: NativeSession
    parameters: ReadonlyMap<string, ParameterSpec>
    modules: ReadonlyMap<string, ModuleSpec>
  }) {
    this.config = made.config
    this.definition = made.definition
    this.directory = made.directory
    this.dtype = made.options.dtype
    this.#options = made.options
    this.#session = made.session
    this.#base = made.parameters
    this.#modules = made.modules
    this.#trainable = new Set(made.parameters.keys())
    this.#random = { seed: made.options.seed, draw: 0 }
    this.#programs = new Programs(made.session, made.definition, made.options.dtype)
  }

  /** Loads a Hugging Face directory: config.json and safetensors. */
  static async load(directory: string, options: LoadOptions = {}): Promise<Model> {
    const settled = settleModelOptions(options)
    const config = await readJsonObject(join(directory, 'config.json'))
    const definition = defineModel(config, { dropout: settled.dropout })
    const files = await openWeights(directory)
    try {
      const { parameters, modules } = forwardGraph(definition, settled.dtype, noAdapters)
      const assigned = assignWeights(parameters.values(), files, fileNames(definition))
      const session = openSession(settled)
      const model = new Model({ config, definition, directory, options: settled, session, parameters, modules })
      await model.#disposeIfItFails(async () => {
        await loadParameters(session, parameters.values(), assigned, settled.dtype)
        if (settled.adapter !== undefined) await model.addAdapter(undefined, { from: settled.adapter })
      })
      return model
    } finally {
      files.close()
    }
  }

  /** A model with random weights, as Hugging Face initialises them, from a configuration or a directory that holds one. */
  static async fromConfig(source: string | ConfigJson, options: ModelOptions = {}): Promise<Model> {
    const settled = settleModelOptions(options)
    const directory = typeof source === 'string' ? source : undefined
    const config = typeof source === 'string' ? await readJsonObject(join(source, 'config.json')) : source
    const definition = defineModel(config, { dropout: settled.dropout })
    const { parameters, modules } = forwardGraph(definition, settled.dtype, noAdapters)
    const session = openSession(settled)
    const model = new Model({ config, definition, directory, options: settled, session, parameters, modules })
    const { initializerRange } = definition
    await model.#disposeIfItFails(() =>
      initializeParameters(session, parameters.values(), { ...settled, initializerRange }),
    )
    return model
  }

  /** Threads that compute. */
  get threads(): number {
    return this.#session.threads
  }

  get instructionSet(): string {
    return this.#session.instructionSet
  }

  /** The tokenizer beside the weights, loaded once. */
  tokenizer(): Promise<Tokenizer> {
    if (this.directory === undefined) {
      return Promise.reject(
        new AttuneError(
          'invalid-tokenizer',
          'The model was made from a configuration object: it has no directory, so no tokenizer.',
        ),
      )
    }
    this.#tokenizer ??= Tokenizer.load(this.directory)
    return this.#tokenizer
  }

  // ---- parameters ----

  /** Every parameter under Hugging Face's name, an adapter's under PEFT's. A tied head is the embedding. */
  *parameters(): Generator<Parameter> {
    for (const { name, shape } of this.#specs())
      yield { name, shape, dtype: this.dtype, trainable: this.#trainable.has(name) }
  }

  /** Which parameters are trained. At first all; with an adapter, the adapter's. */
  setTrainable(selection: TrainableSelection): void {
    this.#changeTrainable(selectTrainable(selection, this.#names(), this.definition))
  }

  /** float32 whatever the storage: the master copy where there is one. */
  async read(name: string): Promise<Tensor> {
    const spec = this.#spec(name)
    return { data: await this.#live().readParameter(spec.name), shape: spec.shape }
  }

  async write(name: string, data: Float32Array | readonly number[] | Tensor): Promise<void> {
    const spec = this.#spec(name)
    const values = 'data' in data ? data.data : data
    const count = elementCount(spec.shape)
    if (values.length !== count) {
      throw new AttuneError('shape-mismatch', `Expected ${count} values for ${name} but received ${values.length}.`, {
        where: name,
      })
    }
    if (spec.role !== 'adapter') this.#baseChanged = true
    await this.#live().writeParameter(spec.name, values instanceof Float32Array ? values : Float32Array.from(values))
  }

  // ---- computing ----

  /** Key of the next dropout masks; set it to go on with a run. Every micro-batch of a step takes one draw. */
  get randomState(): NativeRandom {
    return this.#random
  }

  set randomState(state: NativeRandom) {
    this.#random = { seed: state.seed, draw: state.draw }
  }

  /** Logits of every token, row after row, without dropout. */
  async forward(batch: Batch): Promise<{ logits: Tensor }> {
    const flat = flatten(batch, this.definition)
    const program = this.#programs.forward(this.#adapters)
    const { logits } = await this.#live().run(program, forwardInputs(flat), { fetch: ['logits'] })
    return { logits: { data: logits as Float32Array, shape: [flat.ids.length, this.definition.vocabularySize] } }
  }

  /** Loss and gradients of one batch at the present weights, before clipping. Takes no draw. */
  gradients(batch: Batch, options: { readonly labelSmoothing?: number } = {}): Promise<Gradients> {
    return this.#inOrder(async () => {
      const session = this.#live()
      const { flat, targets } = this.#labelled(batch, 'batch')
      const tokens = targets.rows.length
      if (tokens === 0) throw allMasked('batch')
      const program = this.#training(options.labelSmoothing)
      const input = lossInputs(flat, targets, 1 / tokens)
      const { loss } = await session.run(program, input, { fetch: ['loss'], random: this.#random })
      const gradients = new Map<string, Tensor>()
      for (const { name, shape } of this.#specs()) {
        if (this.#trainable.has(name)) gradients.set(name, { data: await session.readGradient(name), shape })
      }
      return { loss: loss?.[0] ?? NaN, tokens, gradients }
    })
  }

  /** Loss and hits of one batch, without dropout or label smoothing. */
  async evaluateBatch(batch: Batch): Promise<BatchEvaluation> {
    const { flat, targets } = this.#labelled(batch, 'batch')
    const tokens = targets.rows.length
    if (tokens === 0) return { lossSum: 0, tokens, correct: 0, losses: new Float32Array(0) }
    const program = this.#programs.evaluation(this.#adapters)
    const fetch = ['row_loss', 'prediction']
    const { row_loss, prediction } = await this.#live().run(program, lossInputs(flat, targets, 1), { fetch })
    const losses = row_loss as Float32Array
    const lossSum = losses.reduce((sum, loss) => sum + loss, 0)
    const correct = targets.labels.reduce((hits, label, i) => hits + (prediction?.[i] === label ? 1 : 0), 0)
    return { lossSum, tokens, correct, losses }
  }

  /** An optimizer of what is trainable now. */
  optimizer(options: OptimizerOptions = {}): Optimizer {
    const trained = this.#names().filter((name) => this.#trainable.has(name))
    const groups = settleGroups(options, trained, this.#names(), (name) => this.#isExemptFromDecay(name))
    this.#applyTrainable()
    const session = this.#live()
    const optimizer = session.createOptimizer(groups)
    const generation = this.#generation
    return new Optimizer({
      native: optimizer,
      groups,
      save: (path) => session.saveOptimizer(optimizer, path),
      load: (path) => {
        this.#noteTraining()
        return session.loadOptimizer(optimizer, path)
      },
      step: (batches, rates, stepOptions, number) =>
        this.#inOrder(async () => {
          if (generation !== this.#generation) {
            throw new AttuneError(
              'invalid-option',
              'What is trained changed since this optimizer was made: make another.',
              { where: 'optimizer' },
            )
          }
          return this.#step(optimizer, batches, rates, stepOptions, number)
        }),
    })
  }

  /** Runs the model token by token with kept keys and values. */
  decoder({ slots = 1, capacity = this.definition.maxPositions }: DecoderOptions = {}): Decoder {
    if (!Number.isInteger(slots) || slots < 1) {
      throw new AttuneError('invalid-option', `Expected a whole number from 1 on but received ${slots}.`, {
        where: 'decoder.slots',
      })
    }
    const limit = this.definition.maxPositions
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > limit) {
      throw new AttuneError('invalid-option', `Expected 1 to ${limit} tokens but received ${capacity}.`, {
        where: 'decoder.capacity',
      })
    }
    const session = this.#live()
    const program = this.#programs.decoding(this.#adapters, { slots, capacity })
    return new Decoder({ session, program, definition: this.definition, slots, capacity })
  }

  // ---- adapters ----

  get adapter(): LoraConfig | undefined {
    return this.#adapter?.config
  }

  /** Puts an adapter on the model, random or from a PEFT directory. From then on it alone is trained. */
  addAdapter(config: LoraConfig | undefined, options: { readonly from?: string } = {}): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#adapter !== undefined) {
        throw new AttuneError(
          'invalid-option',
          'The model has an adapter: merge it into the weights or remove it first.',
          { where: 'adapter' },
        )
      }
      const made = await makeAdapter(this.#adapterHost(), config, options.from, this.#trainable)
      this.#adapter = this.#options.dropout === 0 ? withoutDropout(made) : made
      this.#changeTrainable(new Set(made.parameters.map(({ name }) => name)))
    })
  }

  /** Multiplies the adapter into the weights; nothing is trained then. `unmergeAdapter` undoes it exactly. */
  mergeAdapter(): Promise<void> {
    return this.#inOrder(async () => {
      const adapter = this.#present()
      if (adapter.originals !== undefined) return
      await merge(this.#adapterHost(), adapter)
      this.#changeTrainable(new Set())
    })
  }

  unmergeAdapter(): Promise<void> {
    return this.#inOrder(async () => {
      const adapter = this.#present()
      if (adapter.originals === undefined) return
      await unmerge(this.#live(), adapter)
      this.#changeTrainable(new Set(adapter.parameters.map(({ name }) => name)))
    })
  }

  /** Takes the adapter off: the model is as before `addAdapter`. */
  removeAdapter(): Promise<void> {
    return this.#inOrder(async () => {
      const adapter = this.#present()
      await unmerge(this.#live(), adapter)
      this.#adapter = undefined
      this.#changeTrainable(adapter.trainableBefore)
      this.#applyTrainable()
      for (const { name } of adapter.parameters) this.#session.removeParameter(name)
    })
  }

  // ---- files ----

  /** Writes a directory that transformers loads; with an unmerged adapter and without `merge`, one that PEFT loads. */
  save(directory: string, options: SaveOptions = {}): Promise<void> {
    checkSaveOptions(options)
    return this.#inOrder(async () => {
      const session = this.#live()
      const adapter = this.#adapter
      const { merge: merging = false } = options
      const common = { session, source: this.directory }
      if (adapter === undefined || adapter.originals !== undefined || merging) {
        const open = adapter !== undefined && adapter.originals === undefined
        const replaced = open ? await mergedWeights(this.#adapterHost(), adapter) : new Map<string, Float32Array>()
        const { config, definition } = this
        const dtype = options.dtype ?? this.dtype
        const files = { ...common, config, dtype, replaced, parameters: this.#base.values() }
        return saveModel(directory, { ...files, architecture: definition.architecture })
      }
      if (this.#baseChanged) {
        throw new AttuneError(
          'invalid-option',
          'Base weights were changed too, which an adapter file cannot hold: save with merge: true.',
          { where: 'save.merge' },
        )
      }
      const config = writePeftConfig({
        config: adapter.config,
        modules: [...adapter.placed.keys()],
        fanInFanOut: this.definition.fanInFanOut,
        base: this.directory,
      })
      return saveAdapter(directory, {
        ...common,
        config,
        parameters: adapter.parameters,
        dtype: options.dtype ?? 'f32',
      })
    })
  }

  // ---- memory and end ----

  /** Bytes held now. */
  memory(): NativeMemory {
    return this.#live().memory()
  }

  /** Exact bytes that training on batches of these sizes takes. */
  plan(sizes: BatchSizes): NativeMemory {
    const program = this.#training(undefined)
    const { parameters, gradients, states } = this.#live().memory()
    let trained = 0
    for (const { name, shape } of this.#specs()) if (this.#trainable.has(name)) trained += elementCount(shape)
    const optimizer = trained * momentBytes
    const activations = program.arenaBytes({ ...sizes })
    return {
      parameters,
      gradients,
      optimizer,
      activations,
      states,
      total: parameters + gradients + optimizer + activations + states,
    }
  }

  /** The call in progress, and those queued, reject with `aborted`. */
  cancel(): void {
    this.#live().cancel()
  }

  /** Cancels what runs and frees everything. Idempotent. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#programs.dispose()
    this.#session.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose()
  }

  // ---- inside ----

  async #step(
    optimizer: Parameters<NativeSession['step']>[0]['optimizer'],
    batches: readonly Batch[],
    learningRates: readonly number[],
    options: StepOptions,
    number: number,
  ): Promise<StepResult> {
    const { maxGradNorm = 0 } = options
    if (!(maxGradNorm >= 0)) {
      throw new AttuneError('invalid-option', `Expected a number from 0 on but received ${maxGradNorm}.`, {
        where: 'maxGradNorm',
      })
    }
    const several = batches.length !== 1
    const labelled = batches.map((batch, i) => this.#labelled(batch, several ? `batches[${i}]` : 'batch'))
    const tokens = labelled.reduce((sum, { targets }) => sum + targets.rows.length, 0)
    if (tokens === 0) throw allMasked(several ? 'batches' : 'batch')
    // A micro-batch without labels adds nothing to the sum.
    const inputs = labelled
      .filter(({ targets }) => targets.rows.length > 0)
      .map(({ flat, targets }) => lossInputs(flat, targets, 1 / tokens))
    const program = this.#training(options.labelSmoothing)
    const random = this.#random
    this.#random = { seed: random.seed, draw: random.draw + inputs.length }
    this.#noteTraining()
    const request = { program, batches: inputs, optimizer, learningRates, maxGradNorm, random }
    const { loss, gradNorm, updated } = await this.#live().step(request)
    if (!updated) {
      throw new AttuneError(
        'nan-loss',
        `Step ${number}: loss ${loss}, gradient norm ${gradNorm}. No weight was changed. Try a lower learning rate, or look at the batch.`,
        { where: `step ${number}` },
      )
    }
    return { loss, gradNorm, tokens }
  }

  #labelled(batch: Batch, where: string): { flat: FlatBatch; targets: Targets } {
    const flat = flatten(batch, this.definition, where)
    return { flat, targets: causalTargets(batch, flat, this.definition, where) }
  }

  #training(labelSmoothing: number | undefined) {
    if (this.#trainable.size === 0) {
      throw new AttuneError(
        'invalid-option',
        'Nothing is trainable: call model.setTrainable or add an adapter first.',
        { where: 'trainable' },
      )
    }
    this.#applyTrainable()
    return this.#programs.training(this.#adapters, labelSmoothing ?? this.#options.labelSmoothing)
  }

  /** Adapters that the graph carries: none once merged. */
  get #adapters(): Adapters {
    return this.#adapter === undefined || this.#adapter.originals !== undefined ? noAdapters : this.#adapter.placed
  }

  #changeTrainable(names: ReadonlySet<string>): void {
    this.#trainable = names
    this.#trainableKnown = false
    this.#generation++
    this.#programs.dispose()
  }

  #applyTrainable(): void {
    if (this.#trainableKnown) return
    this.#live().setTrainable([...this.#trainable])
    this.#trainableKnown = true
  }

  /** Before weights move: an adapter file can no longer hold the model if the base is among them. */
  #noteTraining(): void {
    for (const name of this.#trainable) if (this.#base.has(name)) this.#baseChanged = true
  }

  *#specs(): Generator<ParameterSpec> {
    yield* this.#base.values()
    yield* this.#adapter?.parameters ?? []
  }

  #names(): string[] {
    return [...this.#specs()].map(({ name }) => name)
  }

  #spec(name: string): ParameterSpec {
    const { tied, head, embedding } = this.definition
    const stored = tied && name === `${head}.weight` ? `${embedding}.weight` : name
    for (const spec of this.#specs()) if (spec.name === stored) return spec
    throw new AttuneError('no-match', `There is no parameter "${name}".${suggestion(name, this.#names())}`, {
      where: name,
    })
  }

  #isExemptFromDecay(name: string): boolean {
    return name.includes('bias') || this.#base.get(name)?.role === 'norm'
  }

  #adapterHost(): AdapterHost {
    const { dtype, definition } = this
    return { session: this.#live(), definition, modules: this.#modules, dtype, seed: this.#options.seed }
  }

  #present(): Adapter {
    if (this.#adapter === undefined)
      throw new AttuneError('invalid-option', 'The model has no adapter.', { where: 'adapter' })
    return this.#adapter
  }

  #live(): NativeSession {
    if (this.#disposed) throw new AttuneError('disposed', 'The model was disposed of; load it again.')
    return this.#session
  }

  /** Calls that take several native calls run one after another, so that nothing comes between. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  async #disposeIfItFails(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.dispose()
      throw error
    }
  }
}

/** Adam's two moments, float32. */
const momentBytes = 8

function openSession({ threads, instructionSet }: SettledModelOptions): NativeSession {
  return new (native().Session)({ threads, instructionSet })
}

/** A tied head that the file holds all the same is the embedding's again. */
function fileNames({ tied, head, parameterOf }: ModelDefinition): (tensor: string) => string | undefined {
  return (tensor) => {
    const name = parameterOf(tensor)
    return tied && name === `${head}.weight` ? undefined : name
  }
}

function withoutDropout(adapter: Adapter): Adapter {
  const placed = new Map([...adapter.placed].map(([path, lowRank]) => [path, { ...lowRank, dropout: 0 }]))
  return { ...adapter, placed }
}

function allMasked(where: string): AttuneError {
  return new AttuneError(
    'all-labels-masked',
    'No token carries a loss: every label is -100, or stands first in its text.',
    { where },
  )
}
