import { z } from 'zod'
import { checkOptions } from '../check-options.js'
import type { HubOptions } from '../hub/hub-options.js'
import type { Device } from '../session.js'
import { problemTypes, tasks, type ProblemType, type Task } from '../task.js'
import type { AddedToken } from '../tokenizer/added-tokens.js'
import { quantizations, type Quantization } from './quantization.js'
import { poolings, type Pooling, type TaskRequest } from './task.js'

export type ModelDtype = 'f32' | 'bf16'

export interface ModelOptions {
  /**
   * Where to compute: 'cpu', 'cuda' (an NVIDIA GPU; its kernels are made by `npm run build:cuda`), or 'auto': what the variable
   * ATTUNE_DEVICE says, else a GPU where there is one that can be used and no instruction set is asked for, else the processor.
   * @default 'auto'
   */
  readonly device?: Device
  /** Of weights and activations; products and sums accumulate in float32, and bf16 weights that are trained have float32 masters. @default 'f32' */
  readonly dtype?: ModelDtype
  /**
   * How frozen weights are held: 'int8' (8 bits a weight and a scale for 64 of them; linear layers, token embedding and head) reads
   * fastest when writing; 'nf4' (QLoRA's 4 bits, scales quantized too; linear layers but the head) takes the least memory. They
   * cannot be trained: train a LoRA adapter over them. @default none: all weights are of `dtype`
   */
  readonly quantization?: Quantization | undefined
  /** What the model is for. @default what its architecture says */
  readonly task?: Task
  /** What a sequence classifier predicts. @default the configuration's; 'regression' for one label, else 'single_label_classification' */
  readonly problemType?: ProblemType
  /** Names of what is predicted, or how many there are. @default the configuration's */
  readonly labels?: readonly string[] | number
  /** What stands for a text in an embedding. @default as the directory says; the mean of an encoder, the last token of a decoder */
  readonly pooling?: Pooling
  /** Whether embeddings are scaled to length 1. @default as the directory says; false */
  readonly normalize?: boolean
  /** Probability of every dropout of the model in training, in place of the configuration's; false or 0 turns off an adapter's too. @default the configuration's */
  readonly dropout?: number | boolean
  /** Target probability spread evenly over the vocabulary in the training loss. @default 0 */
  readonly labelSmoothing?: number
  /** Threads that compute. @default 0: one per core */
  readonly threads?: number
  /** Of initial values and dropout. @default 0 */
  readonly seed?: number
  /** Kernels to run: 'avx512_amx', 'avx512_bf16', 'avx512', 'avx2', 'neon' or 'portable'. @default '': what the variable ATTUNE_ISA says, else the best the processor has */
  readonly instructionSet?: string
  /** Branch, tag or commit of a model on the Hub. @default what stands after `@` in its id, else 'main' */
  readonly revision?: string | undefined
  /** How the Hub is reached where the model is an id. @default as the variables of huggingface_hub say */
  readonly hub?: HubOptions | undefined
}

export interface LoadOptions extends ModelOptions {
  /** Starts the head with random values even where the checkpoint has one. @default false */
  readonly newHead?: boolean
  /**
   * Tokens that the vocabulary gets beside its own. Where the tables have too few rows they grow, and a new row starts as the mean
   * of the others (Hewitt 2021). @default those that the adapter's tokenizer has beyond the model's
   */
  readonly addTokens?: readonly (string | AddedToken)[]
  /** Directory, or id on the Hub, of a PEFT LoRA adapter to put on the model. @default none */
  readonly adapter?: string
}

export interface SettledModelOptions {
  readonly device: Device
  readonly dtype: ModelDtype
  readonly quantization: Quantization | undefined
  readonly dropout: number | undefined
  readonly labelSmoothing: number
  readonly threads: number
  readonly seed: number
  readonly instructionSet: string
  readonly adapter: string | undefined
  readonly newHead: boolean
  readonly revision: string | undefined
  readonly hub: HubOptions | undefined
  readonly addTokens: readonly (string | AddedToken)[]
  readonly request: TaskRequest
}

const schema = z.strictObject({
  device: z.enum(['auto', 'cpu', 'cuda']).default('auto'),
  dtype: z.enum(['f32', 'bf16']).default('f32'),
  quantization: z.enum(quantizations).optional(),
  task: z.enum(tasks).optional(),
  problemType: z.enum(problemTypes).optional(),
  labels: z.union([z.array(z.string()), z.int().positive()]).optional(),
  pooling: z.enum(poolings).optional(),
  normalize: z.boolean().optional(),
  newHead: z.boolean().default(false),
  addTokens: z
    .array(z.union([z.string(), z.strictObject({ content: z.string(), special: z.boolean().optional() })]))
    .default([]),
  dropout: z.union([z.boolean(), z.number().min(0).lt(1)]).optional(),
  labelSmoothing: z.number().min(0).lt(1).default(0),
  threads: z.int().min(0).default(0),
  seed: z.int().min(0).default(0),
  instructionSet: z.string().default(''),
  adapter: z.string().optional(),
  revision: z.string().min(1).optional(),
  // Checked where it is used.
  hub: z.custom<HubOptions>((value) => typeof value === 'object').optional(),
})

/** Checks the options and fills in defaults. */
export function settleModelOptions(options: LoadOptions): SettledModelOptions {
  const settled = checkOptions(schema, options, 'options')
  const {
    device,
    dtype,
    quantization,
    dropout,
    labelSmoothing,
    threads,
    seed,
    instructionSet,
    adapter,
    newHead,
    addTokens,
  } = settled
  const { task, problemType, labels, pooling, normalize, revision, hub } = settled
  const probability = dropout === true ? undefined : dropout === false ? 0 : dropout
  const request = { task, problemType, labels, pooling, normalize }
  const computing = { device, dtype, quantization, dropout: probability, labelSmoothing, threads, seed, instructionSet }
  return { ...computing, adapter, newHead, addTokens, revision, hub, request }
}
