/** Options of commands beyond those of the verb: which model, which rows. Also fields of a config file. */
import { z } from 'zod'
import { trainableTokens } from '../nn/lora.js'
import { problemTypes, tasks } from '../task.js'
import { quantizations } from '../models/quantization.js'
import { poolings } from '../models/task.js'
import type { LoadOptions } from '../models/model-options.js'
import type { HubOptions } from '../hub/hub-options.js'
import type { OptionTable, Settled } from '../options.js'

export const modelOptions = {
  model: {
    type: z.string().min(1),
    description:
      'Directory of the model (config.json, model.safetensors, tokenizer.json), or its id on the Hub: org/name@revision',
    flag: 'directory',
  },
  adapterFrom: {
    type: z.string().min(1),
    description: 'Directory of a LoRA adapter to put on the model, or its id on the Hub',
    flag: 'directory',
  },
  revision: { type: z.string().min(1), description: 'Branch, tag or commit of a model that is an id of the Hub' },
  task: { type: z.enum(tasks), description: 'What the model is for; absent: what its architecture says' },
  labels: {
    type: z
      .union([z.int().min(1), z.array(z.string().min(1)).min(1)])
      .describe('a list of names, or how many there are'),
    description: "Names of what is predicted; absent: the model's, in training of a new head those of the rows",
  },
  problemType: {
    type: z.enum(problemTypes),
    description: "What a sequence classifier predicts; absent: as the model's configuration says",
  },
  pooling: {
    type: z.enum(poolings),
    description: 'What stands for a text in an embedding; absent: as the directory says',
  },
  addTokens: {
    type: z
      .union([z.string().transform((tokens) => tokens.split(',')), z.array(z.string())])
      .describe('a list of tokens'),
    description: 'Tokens that the vocabulary gets beside its own; each starts as the mean of the others',
    flag: 'list',
  },
  dtype: { type: z.enum(['f32', 'bf16']), description: 'Of weights and activations', default: 'f32' as const },
  quantization: {
    type: z.enum(quantizations),
    description: 'How frozen weights are held, in fewer bits; absent: as dtype says',
  },
  device: { type: z.enum(['auto', 'cpu', 'cuda']), description: 'Where to compute', default: 'auto' as const },
  threads: { type: z.int().min(0), description: 'Threads that compute; 0: one per core', default: 0 },
} satisfies OptionTable

const files = z
  .union([
    z
      .string()
      .min(1)
      .transform((path) => [path]),
    z.array(z.string().min(1)).min(1),
  ])
  .describe('a path or a list of paths')

export const dataOptions = {
  data: { type: files, description: 'Files of rows, patterns, folders; -: standard input', flag: 'files' },
  validation: {
    type: z.union([z.number().positive(), files]).describe('files, or a share or number of rows'),
    description:
      'Files to validate on, or how many of the rows (0.1: a tenth); absent: the validation split of a folder',
    flag: 'files|part',
  },
} satisfies OptionTable

const field = z.string().min(1)

/** How rows for validation are drawn of the others, and a config that says all of this and where the rows are. */
export const splitOptions = {
  stratify: {
    type: field,
    description: 'A field with a class, as label: rows for validation have its share of every class',
    flag: 'field',
  },
  groupBy: {
    type: field,
    description: 'A field, as patient: rows that have the same there are all trained on, or all validated on',
    flag: 'field',
  },
  orderBy: {
    type: field,
    description: 'A field with a date or number: the latest rows are validated on',
    flag: 'field',
  },
  splitSeed: { type: z.int().min(0), description: 'Decides which rows are drawn; absent: the seed of the training' },
  dataConfig: {
    type: field,
    description: 'File with data, validation and how they are read, as in examples/data, in place of --data',
    flag: 'file',
  },
} satisfies OptionTable

export const loraFlags = {
  rank: { type: z.int().min(1), description: 'Of the adapter', default: 8 },
  alpha: { type: z.number().positive(), description: "The adapter's weight is alpha / rank", default: 16 },
  dropout: { type: z.number().min(0).lt(1), description: "On the adapter's input", default: 0 },
  targets: {
    type: z
      .union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)])
      .describe("'all-linear' or a list of module names"),
    description: 'Modules that get an adapter',
    default: 'all-linear' as const,
  },
  rslora: { type: z.boolean(), description: 'alpha / √rank instead of alpha / rank', default: false },
  dora: { type: z.boolean(), description: 'Weight-decomposed: a learned magnitude per output besides', default: false },
  trainableTokenIndices: {
    type: trainableTokens,
    description: "Tokens whose rows of the embedding are trained besides: 'added', ids, or ids by the name of a table",
    flag: 'added|ids',
  },
} satisfies OptionTable

/** The model that a command asks for, by the options above. */
export function modelFrom(settled: Settled<typeof modelOptions>, hub?: HubOptions): LoadOptions {
  const {
    adapterFrom: adapter,
    revision,
    task,
    labels,
    problemType,
    pooling,
    addTokens,
    dtype,
    quantization,
    device,
    threads,
  } = settled
  return {
    dtype,
    device,
    threads,
    ...(quantization === undefined ? {} : { quantization }),
    ...(hub === undefined ? {} : { hub }),
    ...(revision === undefined ? {} : { revision }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(task === undefined ? {} : { task }),
    ...(labels === undefined ? {} : { labels }),
    ...(problemType === undefined ? {} : { problemType }),
    ...(pooling === undefined ? {} : { pooling }),
    ...(addTokens === undefined ? {} : { addTokens }),
  }
}
