import { AttuneError } from '../errors.js'
import { snapshotOrigin } from '../hub/cache-layout.js'
import type {
  NativeDeviceMemory,
  NativeMemory,
  NativeOptimizer,
  NativeProgram,
  NativeRandom,
  NativeSession,
  NativeWork,
} from '../native.js'
import type { LoraConfig } from '../nn/lora.js'
import type { Profile } from '../profile/profile.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { AdapterHost } from './adapter.js'
import { AdapterSlot, type AddAdapterOptions } from './adapter-slot.js'
import { flatten, forwardInputs, type Batch, type BatchSizes } from './batch.js'
import { Decoder, settleDecoderOptions, type DecoderOptions } from './decoder.js'
import { evaluateBatch, type BatchEvaluation } from './evaluate-batch.js'
import type { ParameterSpec } from '../graph/builder.js'
import type { ConfigJson, ModelDefinition } from './family.js'
import { batchSizes, labelled, stepInputs } from './labelled-batch.js'
import {
  arenaSizes,
  changedModel,
  plannedMemory,
  plannedStep,
  type PlannedChange,
  type StepMemory,
} from './planned-memory.js'
import { loadParts, randomParts, type ModelParts } from './model-parts.js'
import { ModelTokenizer } from './model-tokenizer.js'
import type { LoadOptions, ModelDtype, ModelOptions } from './model-options.js'
import { Optimizer, settleGroups, type OptimizerOptions, type StepOptions, type StepResult } from './optimizer.js'
import type { TrainableSelection } from './parameter-selection.js'
import { ParameterSet } from './parameter-set.js'
import { Programs } from './programs.js'
import { checkSaveOptions, saveAdapter, saveModel, type SaveOptions } from './save.js'
import type { ProblemType, Task } from '../task.js'
import type { Quantization } from './quantization.js'
import { plainLoss, type LossOptions } from './task.js'
import { taskGraph } from './tasks/index.js'
import { elementCount, type Tensor } from './tensor.js'
import { loadTrainable, saveTrainable } from './trainable-file.js'

export type { BatchEvaluation }

export interface Parameter {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: ModelDtype | Quantization
  readonly trainable: boolean
}

export interface Gradients {
  /** Mean over the labelled tokens, or rows. */
  readonly loss: number
  /** Labelled tokens, or rows. */
  readonly tokens: number
  readonly gradients: Map<string, Tensor>
}

export type StepMemoryOptions = Partial<LossOptions> & StepMemory

export interface WorkOptions extends Partial<LossOptions> {
  /** @default 'training' */
  readonly pass?: 'training' | 'evaluation'
}

/** A language model with its weights. Dispose of it, or declare it with `await using`. */
export class Model implements AsyncDisposable {
  readonly #parts: ModelParts
  readonly #parameters: ParameterSet
  readonly #programs: Programs
  readonly #adapter: AdapterSlot
  #random: NativeRandom
  readonly #tokenizer: ModelTokenizer
  #disposed = false
  /** Ends when the last call that takes several native calls has ended. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(parts: ModelParts) {
    this.#parts = parts
    this.#parameters = new ParameterSet(parts.parameters, parts.definition)
    this.#programs = new Programs(parts.session, parts.definition, parts.options.dtype)
    const train = (names: ReadonlySet<string>) => this.#train(names)
    this.#adapter = new AdapterSlot(() => this.#adapterHost(), this.#parameters, train)
    this.#random = { seed: parts.options.seed, draw: 0 }
    const { directory, tokenizer: extended } = parts
    this.#tokenizer = new ModelTokenizer({ directory, extended, adapter: parts.options.adapter })
  }

  /** Loads a Hugging Face directory, or a model of the Hub by its id (`org/name`, `org/name@revision`): config.json and safetensors. */
  static async load(source: string, options: LoadOptions = {}): Promise<Model> {
    const parts = await loadParts(source, options)
    const model = new Model(parts)
    try {
      if (parts.options.adapter !== undefined) await model.addAdapter(undefined, { from: parts.options.adapter })
      return model
    } catch (error) {
      model.dispose()
      throw error
    }
  }

  /** A model with random weights, as Hugging Face initialises them, from a configuration, or a directory or repository that holds one. */
  static async fromConfig(source: string | ConfigJson, options: ModelOptions = {}): Promise<Model> {
    return new Model(await randomParts(source, options))
  }

  /** Hugging Face's configuration, as it was read. */
  get config(): ConfigJson {
    return this.#parts.config
  }

  get definition(): ModelDefinition {
    return this.#parts.definition
  }

  get task(): Task {
    return this.definition.task
  }

  /** What a sequence classifier predicts. */
  get problemType(): ProblemType | undefined {
    return this.definition.problemType
  }

  /** Names of what is predicted; empty where that is tokens or an embedding. */
  get labels(): readonly string[] {
    return this.definition.labels
  }

  /** Parameters that started with random values because the checkpoint has none: those of a new head. */
  get initialized(): readonly string[] {
    return this.#parts.initialized
  }

  get dtype(): ModelDtype {
    return this.#parts.options.dtype
  }

  /** Where it was loaded from. */
  get directory(): string | undefined {
    return this.#parts.directory
  }

  /** Threads that compute. */
  get threads(): number {
    return this.#live().threads
  }

  /** Where it computes. */
  get device(): 'cpu' | 'cuda' {
    return this.#live().device
  }

  /** What its device is: the instruction set of a processor's kernels, the name of a GPU. */
  get hardware(): string {
    return this.#live().hardware
  }

  /** Bytes of a GPU's memory, now; undefined where it computes in the machine's. */
  get deviceMemory(): NativeDeviceMemory | undefined {
    return this.#live().deviceMemory
  }

  /** Of the processor's kernels; '' on a GPU. */
  get instructionSet(): string {
    return this.device === 'cpu' ? this.hardware : ''
  }

  /** The tokenizer beside the weights, loaded once. */
  tokenizer(): Promise<Tokenizer> {
    return this.#tokenizer.get()
  }

  /**
   * Has the model talk in another chat template from now on: a built-in one by its name, a file, or the template's text. `save`
   * writes it.
   * @throws AttuneError 'invalid-option', 'invalid-chat-template' (its tokens are not in the vocabulary)
   */
  setChatTemplate(template: string): Promise<void> {
    return this.#tokenizer.setChatTemplate(template)
  }

  // ---- parameters ----

  /** Every parameter under Hugging Face's name, an adapter's under PEFT's. A tied head is the embedding. */
  *parameters(): Generator<Parameter> {
    const { dtype } = this
    const { trainable } = this.#parameters
    const { quantized } = this.definition
    for (const { name, shape } of this.#parameters.all()) {
      yield { name, shape, dtype: quantized.get(name) ?? dtype, trainable: trainable.has(name) }
    }
  }

  /** Which parameters are trained. At first all; with an adapter, the adapter's. */
  setTrainable(selection: TrainableSelection): void {
    this.#train(this.#parameters.select(selection))
  }

  /** float32 whatever the storage: the master copy where there is one. */
  async read(name: string): Promise<Tensor> {
    const spec = this.#parameters.named(name)
    return { data: await this.#live().readParameter(spec.name), shape: spec.shape }
  }

  async write(name: string, data: Float32Array | readonly number[] | Tensor): Promise<void> {
    const spec = this.#parameters.named(name)
    const values = 'data' in data ? data.data : data
    const count = elementCount(spec.shape)
    if (values.length !== count) {
      const message = `Expected ${count} values for ${name} but received ${values.length}.`
      throw new AttuneError('shape-mismatch', message, { where: name })
    }
    if (spec.role !== 'adapter') this.#parameters.baseChanged = true
    await this.#live().writeParameter(spec.name, values instanceof Float32Array ? values : Float32Array.from(values))
  }

  // ---- computing ----

  /** Key of the next dropout masks; set it to go on with a run. Every micro-batch of a step takes one draw. */
  get randomState(): NativeRandom {
    return this.#random
  }

  set randomState({ seed, draw }: NativeRandom) {
    this.#random = { seed, draw }
  }

  /**
   * Logits without dropout, row after row: of every token (the decoder's, of an encoder-decoder), of every text where the
   * task is about texts. Of the task `embedding` they are the embeddings.
   */
  async forward(batch: Batch): Promise<{ logits: Tensor }> {
    const session = this.#live()
    const flat = flatten(batch, this.definition)
    const { outputs, asked } = taskGraph(this.definition)
    const { sizes, inputs, rows } = asked(batch, flat)
    const program = this.#programs.forward(this.#adapter.graph)
    const plain = forwardInputs(flat)
    const all = { sizes: { ...plain.sizes, ...sizes }, inputs: { ...plain.inputs, ...inputs } }
    const { logits } = await session.run(program, all, { fetch: ['logits'] })
    return { logits: { data: logits as Float32Array, shape: [rows, outputs] } }
  }

  /** Loss and gradients of one batch at the present weights, with dropout, before clipping. Takes no draw. */
  gradients(batch: Batch, options: Partial<LossOptions> = {}): Promise<Gradients> {
    return this.#inOrder(async (session) => {
      const settled = this.#lossOptions(options)
      const { inputs, count: tokens } = stepInputs([batch], this.definition, settled)
      const program = this.#training(settled)
      const [input] = inputs as [(typeof inputs)[number]]
      const { loss } = await session.run(program, input, { fetch: ['loss'], random: this.#random })
      const gradients = new Map<string, Tensor>()
      for (const name of this.#parameters.trainableNames) {
        const { shape } = this.#parameters.named(name)
        gradients.set(name, { data: await session.readGradient(name), shape })
      }
      await session.releaseGradients()
      return { loss: loss?.[0] ?? NaN, tokens, gradients }
    })
  }

  /** Loss, hits and, of small heads, logits of one batch, without dropout, label smoothing or weights. */
  evaluateBatch(batch: Batch): Promise<BatchEvaluation> {
    const program = () => this.#programs.evaluation(this.#adapter.graph, plainLoss)
    return evaluateBatch(batch, this.definition, this.#live(), program)
  }

  /** An optimizer of what is trainable now. */
  optimizer(options: OptimizerOptions = {}): Optimizer {
    const session = this.#live()
    const parameters = this.#parameters
    const settled = (given: OptimizerOptions) => {
      const groups = settleGroups(given, parameters.trainableNames, parameters.names, (name) =>
        parameters.isExemptFromDecay(name),
      )
      parameters.prepare(session)
      return groups
    }
    const groups = settled(options)
    const { kind = 'adamw' } = options
    const optimizer = session.createOptimizer(groups, kind)
    let { generation } = parameters
    return new Optimizer({
      native: optimizer,
      kind,
      groups,
      regroup: (given) =>
        this.#inOrder(() => {
          const changed = settled(given)
          session.regroupOptimizer(optimizer, changed)
          generation = parameters.generation
          return Promise.resolve(changed)
        }),
      save: (path) => session.saveOptimizer(optimizer, path),
      load: (path) => {
        parameters.noteTraining()
        return session.loadOptimizer(optimizer, path)
      },
      step: (batches, rates, stepOptions, number) =>
        this.#inOrder(() => {
          if (generation === parameters.generation) return this.#step(optimizer, batches, rates, stepOptions, number)
          const message = 'What is trained changed since this optimizer was made: make another, or regroup it.'
          throw new AttuneError('invalid-option', message, { where: 'optimizer' })
        }),
    })
  }

  /** Runs the model token by token with kept keys and values. */
  decoder(options: DecoderOptions = {}): Decoder {
    const session = this.#live()
    const { definition } = this
    if (definition.task !== 'causal-lm' && definition.task !== 'seq2seq-lm') {
      const message = `Only language models write: this model was loaded for ${definition.task}.`
      throw new AttuneError('unsupported-task', message, { where: 'task' })
    }
    const cache = settleDecoderOptions(options, definition)
    const program = this.#programs.decoding(this.#adapter.graph, cache)
    return new Decoder({ session, program, definition, cache })
  }

  // ---- adapters ----

  get adapter(): LoraConfig | undefined {
    return this.#adapter.config
  }

  /** Puts an adapter on the model, random or from a PEFT directory. From then on it alone is trained. */
  addAdapter(config: LoraConfig | undefined, options: AddAdapterOptions = {}): Promise<void> {
    return this.#inOrder(() => this.#adapter.add(config, options))
  }

  /** Multiplies the adapter into the weights; nothing is trained then. `unmergeAdapter` undoes it exactly. */
  mergeAdapter(): Promise<void> {
    return this.#inOrder(() => this.#adapter.merge())
  }

  unmergeAdapter(): Promise<void> {
    return this.#inOrder(() => this.#adapter.unmerge())
  }

  /**
   * Does `work` with the adapter switched off: the model is as before `addAdapter`, merged or not. Nothing else may use the
   * model meanwhile.
   */
  async withoutAdapter<Result>(work: () => Promise<Result>): Promise<Result> {
    const merged = this.#adapter.isMerged()
    if (merged) await this.unmergeAdapter()
    this.#adapter.switchOff(true)
    this.#programs.dispose()
    try {
      return await work()
    } finally {
      this.#adapter.switchOff(false)
      this.#programs.dispose()
      if (merged) await this.mergeAdapter()
    }
  }

  /** Takes the adapter off: the model is as before `addAdapter`. */
  removeAdapter(): Promise<void> {
    return this.#inOrder(() => this.#adapter.remove())
  }

  // ---- files ----

  /** Writes a directory that transformers loads; with an unmerged adapter and without `merge`, one that PEFT loads. */
  save(directory: string, options: SaveOptions = {}): Promise<void> {
    checkSaveOptions(options)
    return this.#inOrder(async (session) => {
      const { config, definition, directory: source } = this
      const tokenizer = await this.#tokenizer.changed()
      const open = this.#adapter.unmerged
      if (open !== undefined && options.merge !== true) {
        this.#refuseChangedBase()
        const { config: lora, modulesToSave, parameters } = open
        const modules = [...open.placed.lowRanks.keys()]
        const { fanInFanOut, task, embedding } = definition
        const { tokenRows } = open.placed
        // An id holds on every machine, the path of a copy on this one.
        const base = source === undefined ? undefined : (snapshotOrigin(source)?.id ?? source)
        const peft = { config: lora, modules, fanInFanOut, base, task, modulesToSave, tokenRows, embedding }
        const dtype = options.dtype ?? 'f32'
        return saveAdapter(directory, { session, source, tokenizer, parameters, dtype, peft, definition })
      }
      const replaced = await this.#adapter.mergedWeights()
      const parameters = this.#parameters.base.values()
      const dtype = options.dtype ?? this.dtype
      return saveModel(directory, { session, source, tokenizer, parameters, dtype, config, definition, replaced })
    })
  }

  /** Writes what is trainable, or the parameters named, in float32 under the names of `parameters()`: the weights of a checkpoint. */
  saveTrainable(path: string, names: readonly string[] = this.#parameters.trainableNames): Promise<void> {
    return this.#inOrder((session) => saveTrainable(session, path, this.#named(names)))
  }

  /** Reads back what `saveTrainable` wrote. @throws AttuneError `weights-mismatch` where that is other parameters */
  loadTrainable(path: string, names: readonly string[] = this.#parameters.trainableNames): Promise<void> {
    return this.#inOrder(async (session) => {
      await loadTrainable(session, path, this.#named(names))
      this.#parameters.noteTraining(names)
    })
  }

  // ---- memory and end ----

  /** Bytes held now. */
  memory(): NativeMemory {
    return this.#live().memory()
  }

  /** Sizes of a batch, as `plan` takes them. @throws AttuneError `invalid-batch`, `sequence-too-long`, as a step would */
  batchSizes(batch: Batch, where?: string, loss: Partial<LossOptions> = {}): BatchSizes {
    return batchSizes(batch, this.definition, this.#lossOptions(loss), where)
  }

  /** Exact bytes that training on batches of these sizes takes. */
  plan(sizes: BatchSizes, options: StepMemoryOptions = {}): NativeMemory {
    const program = this.#training(this.#lossOptions(options))
    const { parameters, states } = this.#live().memory()
    const step = plannedStep(program, arenaSizes(sizes, this.task), this.#parameters.trainableSpecs, options)
    return { parameters, ...step, states, total: parameters + step.total + states }
  }

  /**
   * The same were the model loaded in another dtype, or trained through another adapter. Nothing is loaded.
   * @param change `adapter`: in place of what is trained now
   */
  planAs(change: PlannedChange, sizes: BatchSizes, options: StepMemoryOptions = {}): NativeMemory {
    const { device, threads, instructionSet } = this
    const { adapter: parameters, trainable } = this.#parameters
    const changed = changedModel(this.#adapterHost(), change, { parameters, trainable, adapter: this.#adapter.graph })
    const planned = { ...changed, device, threads, instructionSet }
    return plannedMemory(planned, sizes, this.#lossOptions(options), options)
  }

  /** Floating-point operations of a batch: of a training step's forward and backward pass, or of an evaluation. */
  work(batch: Batch, { pass = 'training', ...options }: WorkOptions = {}): NativeWork {
    const loss = pass === 'training' ? this.#lossOptions(options) : plainLoss
    const program =
      pass === 'training' ? this.#training(loss) : this.#programs.evaluation(this.#adapter.graph, plainLoss)
    return program.work(labelled(batch, this.definition, loss).native(1))
  }

  /**
   * Does `work`, after which the model is as before: adapter, what is trained, random state, and, where `work` trains only
   * with a learning rate of 0, every weight. Optimizers of before can go on.
   */
  async unchanged<Result>(work: () => Promise<Result>): Promise<Result> {
    const session = this.#live()
    const random = this.#random
    const { state } = this.#parameters
    const had = this.#adapter.config !== undefined
    const told = this.#parameters.isTold
    // Rounded weights would be left of what is trained while something else is.
    const masters = new Map<string, Float32Array>()
    if (told && this.dtype === 'bf16')
      for (const name of this.#parameters.trainableNames) masters.set(name, await session.readParameter(name))
    try {
      return await work()
    } finally {
      if (!this.#disposed) {
        if (!had && this.#adapter.config !== undefined) await this.removeAdapter()
        this.#parameters.restore(state)
        this.#programs.dispose()
        if (told) this.#parameters.tell(session)
        else this.#parameters.untell(session)
        for (const [name, values] of masters) await session.writeParameter(name, values)
        this.#random = random
      }
    }
  }

  /** Does `work` with this model while every kernel's run is recorded: what took how long, and how near to the processor's limit. */
  async profile<Result>(work: () => Promise<Result>): Promise<{ result: Result; profile: Profile }> {
    const session = this.#live()
    await session.startProfile()
    const start = performance.now()
    try {
      const result = await work()
      const seconds = (performance.now() - start) / 1000
      return { result, profile: { seconds, kernels: await session.takeProfile() } }
    } catch (error) {
      if (!this.#disposed) await session.takeProfile()
      throw error
    }
  }

  /**
   * Operations a second that the model's threads reach with multiply-adds in registers, of float32, on a GPU of bfloat16 on its tensor
   * cores: what the speed of kernels is measured against. Takes a fraction of a second in which nothing else should run.
   */
  measurePeak(): Promise<number> {
    return this.#inOrder((session) => session.measurePeak())
  }

  /** Bytes a second that the model's threads read from the device's memory: the limit of writing token by token. Takes half a second. */
  measureReadBandwidth(): Promise<number> {
    return this.#inOrder((session) => session.measureReadBandwidth())
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
    this.#parts.session.dispose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.dispose()
    return Promise.resolve()
  }

  // ---- inside ----

  async #step(
    optimizer: NativeOptimizer,
    batches: readonly Batch[],
    learningRates: readonly number[],
    { maxGradNorm = 0, ...options }: StepOptions,
    number: number,
  ): Promise<StepResult> {
    if (!(maxGradNorm >= 0)) {
      const message = `Expected a number from 0 on but received ${maxGradNorm}.`
      throw new AttuneError('invalid-option', message, { where: 'maxGradNorm' })
    }
    const settled = this.#lossOptions(options)
    const { inputs, count: tokens } = stepInputs(batches, this.definition, settled)
    const program = this.#training(settled)
    const random = this.#random
    this.#random = { seed: random.seed, draw: random.draw + inputs.length }
    this.#parameters.noteTraining()
    const request = { program, batches: inputs, optimizer, learningRates, maxGradNorm, random }
    const { loss, gradNorm, updated } = await this.#live().step(request)
    if (updated) return { loss, gradNorm, tokens }
    throw new AttuneError(
      'nan-loss',
      `Step ${number}: loss ${loss}, gradient norm ${gradNorm}. No weight was changed. Try a lower learning rate, or look at the batch.`,
      { where: `step ${number}` },
    )
  }

  #training(options: LossOptions): NativeProgram {
    this.#parameters.prepare(this.#live())
    return this.#programs.training(this.#adapter.graph, options)
  }

  #lossOptions(given: Partial<LossOptions>): LossOptions {
    const { labelSmoothing = this.#parts.options.labelSmoothing, focalGamma = 0, neftuneAlpha = 0 } = given
    const { classWeights, positiveWeights, gradientCheckpointing = false } = given
    return { labelSmoothing, focalGamma, neftuneAlpha, classWeights, positiveWeights, gradientCheckpointing }
  }

  #train(names: ReadonlySet<string>): void {
    this.#parameters.train(names)
    this.#programs.dispose()
    this.#parameters.release(this.#live())
  }

  #adapterHost(): AdapterHost {
    const { definition, modules, parameters: base, initialized, addedTokens, options } = this.#parts
    const { dtype, seed, dropout } = options
    const withoutDropout = dropout === 0
    return { session: this.#live(), definition, modules, base, initialized, addedTokens, dtype, seed, withoutDropout }
  }

  #named(names: readonly string[]): ParameterSpec[] {
    return names.map((name) => this.#parameters.named(name))
  }

  #refuseChangedBase(): void {
    if (!this.#parameters.baseChanged) return
    const message = 'Base weights were changed too, which an adapter file cannot hold: save with merge: true.'
    throw new AttuneError('invalid-option', message, { where: 'save.merge' })
  }

  #live(): NativeSession {
    if (this.#disposed) throw new AttuneError('disposed', 'The model was disposed of; load it again.')
    return this.#parts.session
  }

  /** Work that takes several native calls runs one after another, so that nothing comes between. */
  #inOrder<T>(work: (session: NativeSession) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => work(this.#live()))
    this.#last = result.catch(() => undefined)
    return result
  }
}
