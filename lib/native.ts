/**
 * The addon's typed contract: the only door between TypeScript and the core. One interface per native class; nothing here computes.
 * Values of a graph are numbered; -1 stands for an absent optional input.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AttuneError, type AttuneErrorCode } from './errors.js'

export type NativeDtype = 'f32' | 'bf16' | 'f16' | 'i32' | 'int8' | 'nf4'
/** A size known now, or a named one (`'tokens'`, `'rows'`, `'sequences+1'`) known when a batch arrives. */
export type NativeDimension = number | string
export type NativeAttributes = Readonly<Record<string, boolean | number | string | readonly number[]>>
export type NativeArray = Int32Array | Float32Array

export interface NativeValue {
  readonly id: number
  readonly shape: readonly NativeDimension[]
  readonly dtype: NativeDtype
}

/** A graph under construction. Every method checks at once and throws with the node's path. */
export interface NativeGraph {
  /** A parameter of the session by name, in the graph's dtype unless it is quantized. The same name gives the same value. */
  parameter(name: string, shape: readonly number[], dtype?: 'int8' | 'nf4'): NativeValue
  /** What a batch brings. `below`: for i32 inputs every value must lie in [0, below); a number or a size's name. */
  input(name: string, shape: readonly NativeDimension[], dtype: 'f32' | 'i32', below?: NativeDimension): NativeValue
  /** Memory that lives as long as the program and starts as zeros (key/value caches). In the graph's dtype. */
  state(name: string, shape: readonly number[]): NativeValue
  node(op: string, path: string, inputs: readonly number[], attributes: NativeAttributes): NativeValue[]
  /** Names a value so that `run` can fetch it, as float32 (or i32). */
  output(name: string, value: number): void
  /** One line per node: path, op, inputs, outputs, shapes. */
  print(): string
}

export interface NativeTensorInfo {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
}

/** A safetensors file, mapped read-only and checked (header, offsets, sizes) when opened. Throws `invalid-safetensors`. */
export interface NativeSafetensors {
  readonly path: string
  readonly tensors: readonly NativeTensorInfo[]
  readonly metadata: Readonly<Record<string, string>>
  /** The tensor widened to float32 (f32, f16, bf16, f64 files). */
  read(name: string): Float32Array
  close(): void
}

export interface NativeBatch {
  /** Values of the named sizes, e.g. `{ tokens: 37, sequences: 3, rows: 12 }`. */
  readonly sizes: Readonly<Record<string, number>>
  readonly inputs: Readonly<Record<string, NativeArray>>
}

/** Key of the random numbers of one forward pass: dropout depends on these two and on the node, nothing else. */
export interface NativeRandom {
  readonly seed: number
  /** One number per forward pass of a run: 0, 1, 2, … */
  readonly draw: number
}

/** Exact bytes. */
export interface NativeStepBytes {
  readonly gradients: number
  /**
   * What the arena has beyond the gradients. Those of one batch take the place of activations as the backward pass is done
   * with these; those that several batches add to have memory of their own.
   */
  readonly activations: number
}

/** Exact bytes. */
export interface NativeMemory extends NativeStepBytes {
  readonly parameters: number
  readonly optimizer: number
  readonly states: number
  readonly total: number
}

export interface NativeDeviceMemory {
  readonly free: number
  readonly total: number
}

/** AdamW with float32 moments, or, of parameters of 4,096 elements and more, with moments in a byte each. */
export type OptimizerKind = 'adamw' | 'adamw_8bit'

export interface NativeOptimizerGroup {
  readonly parameters: readonly string[]
  readonly betas: readonly [number, number]
  readonly eps: number
  readonly weightDecay: number
}

export interface NativeStepRequest {
  readonly program: NativeProgram
  /** Micro-batches of one optimizer step; the caller has put 1 / (all labelled tokens) into each one's `loss_scale`. */
  readonly batches: readonly NativeBatch[]
  readonly optimizer: NativeOptimizer
  /** One rate per group. */
  readonly learningRates: readonly number[]
  /** 0: no clipping. */
  readonly maxGradNorm: number
  /** `draw` of the first micro-batch; the others count on. */
  readonly random: NativeRandom
}

export interface NativeStepResult {
  readonly loss: number
  readonly gradNorm: number
  /** False when loss or gradient norm was not finite: nothing was updated. */
  readonly updated: boolean
}

export interface NativeSafetensorsEntry {
  /** Name in the file. */
  readonly name: string
  readonly dtype: 'f32' | 'bf16' | 'f16'
  /** A parameter of the session, or data. */
  readonly parameter?: string
  readonly data?: Float32Array
  readonly shape: readonly number[]
}

/** Floating-point operations: a multiply-add is two, an exponential one. */
export interface NativeWork {
  /** Of matrix products: exact. */
  readonly products: number
  /** Of queries, keys and values, over the pairs that see each other. */
  readonly attention: number
  /** All else, by element. */
  readonly elements: number
  readonly total: number
}

/** What a node of a program does, by the shapes alone. */
export interface NativeNodeCost extends NativeWork {
  /** Of the module in the model. */
  readonly path: string
  readonly op: string
  /** Of what it reads and writes, each tensor once. */
  readonly bytes: number
  /** Whether what it reads first is packed once, for it and for nodes near it. */
  readonly sharesInput: boolean
}

/** A graph made ready to run in one session: differentiated where asked, kernels chosen. */
export interface NativeProgram {
  /** Bytes of the arena of a run of these sizes, whose gradients have memory of their own. Plans are kept per sizes. */
  arenaBytes(sizes: Readonly<Record<string, number>>): number
  /** Of a step on batches of these sizes: one, or, where it accumulates, several. */
  stepBytes(sizes: Readonly<Record<string, number>>, accumulates: boolean): NativeStepBytes
  /**
   * Of a forward pass, and of the backward pass where there is one. Integer inputs say how long the sequences are; where they
   * are left out all are equally long.
   */
  work(batch: NativeBatch): NativeWork
  /** The same by node, with the bytes of what each reads and writes, in the order in which they run. */
  costs(batch: NativeBatch): NativeNodeCost[]
  readonly stateBytes: number
  print(): string
  /** Frees its state. */
  dispose(): void
}

/** Of each state (slots, rows, …): the first `lengths[i]` rows of slot `sources[i]` go to slot `destinations[i]`. */
export interface NativeSlotCopies {
  readonly sources: readonly number[]
  /** No slot twice, and none that is a source. */
  readonly destinations: readonly number[]
  /** States with fewer rows copy all of theirs. */
  readonly lengths: readonly number[]
}

export interface NativeOptimizer {
  readonly bytes: number
  dispose(): void
}

/**
 * First values of a parameter. `value`: the standard deviation of `normal`, the bound of `uniform`, the constant.
 * `truncated_normal` is a normal distribution of standard deviation `value` cut off at ± `cutoff` of these deviations,
 * as torch.nn.init.trunc_normal_ draws it; what is left deviates less. Row `paddingIndex` is zeros, as torch.nn.Embedding's.
 */
export type NativeInitializer = {
  readonly value: number
  readonly seed: number
  readonly paddingIndex?: number | undefined
} & (
  { readonly kind: 'normal' | 'uniform' | 'constant' } | { readonly kind: 'truncated_normal'; readonly cutoff: number }
)

export interface NativeCompileOptions {
  /** Name of the scalar output to differentiate from. Trainable parameters get gradients. */
  readonly loss?: string
  /** For op tests: gradients arriving at outputs (output name → input name), and the inputs to differentiate by; each gradient becomes output `grad:<input>`. */
  readonly seeds?: Readonly<Record<string, string>>
  readonly wrt?: readonly string[]
  /** The backward pass computes the model's blocks again instead of keeping what they made. @default false */
  readonly gradientCheckpointing?: boolean
}

/** Parameters, engine thread, thread pool and arena of one model. Everything that takes time returns a promise and runs on the engine thread, in order. */
export interface NativeSession {
  readonly threads: number
  readonly device: 'cpu' | 'cuda'
  /** What the device is: the instruction set of a processor's kernels, the name of a GPU. */
  readonly hardware: string
  /** Whose matrix products it computes with: 'attune', or of a GPU NVIDIA's cuBLASLt, by version and file. */
  readonly products: string
  /** Bytes of a GPU's memory, now; undefined where the device computes in the machine's. */
  readonly deviceMemory: NativeDeviceMemory | undefined
  defineParameter(name: string, shape: readonly number[], dtype: 'f32' | 'bf16' | 'int8' | 'nf4'): void
  removeParameter(name: string): void
  /** Fills a parameter from a file, converting the dtype. Shapes must agree in element count. `transpose`: the file holds the 2-D matrix the other way round. */
  loadParameter(name: string, file: NativeSafetensors, tensor: string, transpose?: boolean): Promise<void>
  /** float32 whatever the storage: the master copy where there is one. */
  readParameter(name: string): Promise<Float32Array>
  writeParameter(name: string, data: Float32Array): Promise<void>
  /** Random values from Philox keyed by seed and name, or a constant. */
  initParameter(name: string, init: NativeInitializer): Promise<void>
  /** Which parameters get gradients in programs compiled from now on, and masters now. Compiled programs stay as they were. */
  setTrainable(names: readonly string[]): void
  compile(graph: NativeGraph, options?: NativeCompileOptions): NativeProgram
  /** Runs forward (and backward where the program has one; gradients then start from zero unless `accumulate`). Returns the outputs named in `fetch`. */
  run(
    program: NativeProgram,
    batch: NativeBatch,
    options: { readonly fetch: readonly string[]; readonly random?: NativeRandom; readonly accumulate?: boolean },
  ): Promise<Record<string, NativeArray>>
  /** Copies rows of slots of every state of the program, in place of what the destinations held. Throws `invalid-batch`. */
  copySlots(program: NativeProgram, copies: NativeSlotCopies): Promise<void>
  /** As the newest run or step left it. Throws `no-match` where none did. */
  readGradient(parameter: string): Promise<Float32Array>
  /** Gives back the memory that `run` made for gradients; until then steps use it too. */
  releaseGradients(): Promise<void>
  /** @param kind by default 'adamw' */
  createOptimizer(groups: readonly NativeOptimizerGroup[], kind?: OptimizerKind): NativeOptimizer
  /** Other groups: parameters that stand in both keep their state, new ones start afresh. */
  regroupOptimizer(optimizer: NativeOptimizer, groups: readonly NativeOptimizerGroup[]): void
  step(request: NativeStepRequest): Promise<NativeStepResult>
  /** Step counts, both moments and float32 weights of the optimizer's parameters, as safetensors. */
  saveOptimizer(optimizer: NativeOptimizer, path: string): Promise<void>
  loadOptimizer(optimizer: NativeOptimizer, path: string): Promise<void>
  /** Writes the file and syncs it; the caller renames it into place. */
  saveSafetensors(
    path: string,
    entries: readonly NativeSafetensorsEntry[],
    metadata: Readonly<Record<string, string>>,
  ): Promise<void>
  /** Bytes held now. */
  memory(): NativeMemory
  /**
   * Operations a second that all threads reach with multiply-adds in registers: what kernels are measured against. Of a processor
   * those of float32, of a GPU the products of bf16 on its tensor cores.
   */
  measurePeak(): Promise<number>
  /** Bytes a second that all threads read from memory: what decoding is measured against. */
  measureReadBandwidth(): Promise<number>
  /** From here on every kernel's run is recorded, until the profile is taken. */
  startProfile(): Promise<void>
  /** What was recorded, in the order in which it began; recording ends. */
  takeProfile(): Promise<NativeSpan[]>
  /** The run or step in progress, and those queued, reject with `aborted`. */
  cancel(): void
  /** Cancels, waits for the engine thread, frees everything. Idempotent. */
  dispose(): void
}

/** One run of a kernel. */
export interface NativeSpan {
  /** Of the module in the model, or 'optimizer'. */
  readonly path: string
  readonly op: string
  /** Seconds after the profile was started. */
  readonly begin: number
  readonly seconds: number
  /** Floating-point operations, counted from the shapes. */
  readonly flops: number
  /** Of what it reads and writes, each tensor once. */
  readonly bytes: number
}

export interface NativeProcessor {
  readonly model: string
  readonly architecture: string
  readonly features: readonly string[]
  readonly cores: number
  /** Fastest instruction set of this build here: 'avx512_amx' (Intel), 'avx512_bf16' (AMD), 'avx512', 'avx2', 'neon' or 'portable'. */
  readonly instructionSet: string
  readonly instructionSets: readonly string[]
}

export interface NativeOpInfo {
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly differentiable: boolean
  /** Whether it says how many floating-point operations it takes: every op does. */
  readonly counted: boolean
}

export interface NativeSessionOptions {
  /** 0: one per core. */
  readonly threads: number
  /** Of the processor's kernels. '': the best. */
  readonly instructionSet: string
  /** Computes on a GPU: the folder with the kernels' fat binaries. */
  readonly cudaKernels?: string
  /** Whether runs that come again are recorded there as CUDA graphs. @default true */
  readonly cudaGraphs?: boolean
  /** Compiles and counts bytes, and neither allocates nor runs: there need be no such device. */
  readonly planned?: boolean
}

export interface NativeAddon {
  readonly Graph: new (dtype: 'f32' | 'bf16') => NativeGraph
  readonly Safetensors: new (path: string) => NativeSafetensors
  readonly Session: new (options: NativeSessionOptions) => NativeSession
  /** How the core makes its errors: called once, with the factory of AttuneErrors. */
  initialize(makeError: (code: string, message: string, where: string) => Error): void
  /**
   * The bytes of a file, read from it when they are looked at. The buffer is this process's own: what is written to it never reaches
   * the file. It stays as it is when the file is deleted or another one is renamed onto it, and is given back with the last view of
   * it; a file that is made shorter in place while it is mapped ends the process. Throws `file-not-found`.
   */
  mapFile(path: string): ArrayBuffer
  processor(): NativeProcessor
  /** Of both moments of a parameter of so many elements. */
  momentBytes(kind: OptimizerKind, elements: number): number
  ops(): NativeOpInfo[]
  /** The op as plain float64 loops: the oracle of the tests. */
  reference(
    op: string,
    attributes: NativeAttributes,
    inputs: readonly ({ shape: readonly number[]; data: Float64Array } | null)[],
  ): { shape: number[]; data: Float64Array }[]
}

let addon: NativeAddon | undefined

/** Environment variable with the path of another build of the addon than `npm run build`'s: the tests of other processors set it. */
const addonVariable = 'ATTUNE_ADDON'

/** Loads the addon once. @throws AttuneError `missing-addon` with what to run. */
export function native(): NativeAddon {
  if (addon === undefined) {
    const root = join(dirname(fileURLToPath(import.meta.url)), '..')
    const path = process.env[addonVariable] ?? join(root, 'build', 'Release', 'attune.node')
    if (!existsSync(path)) {
      throw new AttuneError(
        'missing-addon',
        `The native addon is not built: ${path} is missing. Run \`npm run build\`.`,
        {
          where: path,
        },
      )
    }
    addon = createRequire(import.meta.url)(path) as NativeAddon
    addon.initialize(
      (code, message, where) => new AttuneError(code as AttuneErrorCode, message, where === '' ? {} : { where }),
    )
  }
  return addon
}
