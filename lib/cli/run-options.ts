/** Options of commands beyond those of the verb: which model, which rows. Also fields of a config file. */
import { z } from 'zod'
import type { OptionTable } from '../options.js'

export const modelOptions = {
  model: {
    type: z.string().min(1),
    description: "Directory of the model, as Hugging Face's: config.json, model.safetensors, tokenizer.json",
    flag: 'directory',
  },
  adapterFrom: {
    type: z.string().min(1),
    description: 'Directory of a LoRA adapter to put on the model',
    flag: 'directory',
  },
  dtype: { type: z.enum(['f32', 'bf16']), description: 'Of weights and activations', default: 'f32' as const },
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
  data: { type: files, description: 'JSON Lines files of rows', flag: 'files' },
  validation: {
    type: z.union([z.number().positive(), files]).describe('files, or a share or number of rows'),
    description: 'JSON Lines files to validate on, or how many of the rows (0.1: a tenth)',
    flag: 'files|part',
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
} satisfies OptionTable
