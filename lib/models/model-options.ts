import { z } from 'zod'
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'

export type Device = 'auto' | 'cpu' | 'cuda'
export type ModelDtype = 'f32' | 'bf16'

export interface ModelOptions {
  /** Where to compute. @default 'auto' (the processor: there is no other device yet) */
  readonly device?: Device
  /** Of weights and activations; products and sums accumulate in float32, and bf16 weights that are trained have float32 masters. @default 'f32' */
  readonly dtype?: ModelDtype
  /** @default 'causal-lm' */
  readonly task?: 'causal-lm'
  /** Probability of every dropout of the model in training, in place of the configuration's; false or 0 turns off an adapter's too. @default the configuration's */
  readonly dropout?: number | boolean
  /** Target probability spread evenly over the vocabulary in the training loss. @default 0 */
  readonly labelSmoothing?: number
  /** Threads that compute. @default 0: one per core */
  readonly threads?: number
  /** Of initial values and dropout. @default 0 */
  readonly seed?: number
  /** Kernels to run: 'avx512_bf16', 'avx512', 'avx2' or 'portable'. @default '': the best the processor has */
  readonly instructionSet?: string
}

export interface LoadOptions extends ModelOptions {
  /** Directory of a PEFT LoRA adapter to put on the model. @default none */
  readonly adapter?: string
}

export interface SettledModelOptions {
  readonly dtype: ModelDtype
  readonly dropout: number | undefined
  readonly labelSmoothing: number
  readonly threads: number
  readonly seed: number
  readonly instructionSet: string
  readonly adapter: string | undefined
}

const schema = z.strictObject({
  device: z.enum(['auto', 'cpu', 'cuda']).default('auto'),
  dtype: z.enum(['f32', 'bf16']).default('f32'),
  task: z.literal('causal-lm').default('causal-lm'),
  dropout: z.union([z.boolean(), z.number().min(0).lt(1)]).optional(),
  labelSmoothing: z.number().min(0).lt(1).default(0),
  threads: z.int().min(0).default(0),
  seed: z.int().min(0).default(0),
  instructionSet: z.string().default(''),
  adapter: z.string().optional(),
})

/** Checks the options and fills in defaults. */
export function settleModelOptions(options: LoadOptions): SettledModelOptions {
  const { device, dropout, adapter, task: _task, ...rest } = checkOptions(schema, options, 'options')
  if (device === 'cuda') {
    throw new AttuneError(
      'unsupported-device',
      "This build computes on the processor only: use device 'auto' or 'cpu'.",
      {
        where: 'options.device',
      },
    )
  }
  return { ...rest, adapter, dropout: typeof dropout === 'boolean' ? (dropout ? undefined : 0) : dropout }
}

/** `value` as the schema has it. @throws AttuneError `invalid-option` naming the field, with the nearest name for an unknown one */
export function checkOptions<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = [where, ...(issue?.path ?? [])].join('.')
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    throw new AttuneError(
      'invalid-option',
      `There is no option "${key}".${suggestion(key, Object.keys(schema.shape))}`,
      {
        where: `${path}.${key}`,
      },
    )
  }
  throw new AttuneError('invalid-option', `${issue?.message ?? 'Invalid options'}.`, { where: path })
}
