/** Random initial values, as Hugging Face's models and PEFT draw them. */
import { AttuneError } from '../errors.js'
import type { ModuleSpec, ParameterSpec } from '../graph/builder.js'
import type { NativeSession } from '../native.js'
import type { LoraConfig } from '../nn/lora.js'
import type { ModelDefinition } from './family.js'
import { outputNorms } from './merge.js'
import { takeRows, tokenRowsName } from './token-rows.js'

export interface InitOptions {
  readonly dtype: 'f32' | 'bf16'
  readonly seed: number
}

/** Weights and embeddings normal, norms ones, biases and padding rows zeros. */
export async function initializeParameters(
  session: NativeSession,
  parameters: Iterable<ParameterSpec>,
  { dtype, seed, definition }: InitOptions & { readonly definition: ModelDefinition },
): Promise<void> {
  for (const { name, shape, role, initScale, initial, paddingIndex } of parameters) {
    session.defineParameter(name, shape, definition.quantized.get(name) ?? dtype)
    if (role === 'norm') await session.initParameter(name, { kind: 'constant', value: initial, seed })
    else if (role === 'bias') await session.initParameter(name, { kind: 'constant', value: 0, seed })
    else {
      const value = definition.initializerRange * initScale
      const { initializerCutoff: cutoff } = definition
      const kind =
        cutoff === undefined ? ({ kind: 'normal' } as const) : ({ kind: 'truncated_normal', cutoff } as const)
      await session.initParameter(name, { ...kind, value, seed, paddingIndex })
    }
  }
}

/** So that the adapter changes nothing yet: B zeros and A random; for embeddings A zeros and B random; rows of tokens as they are. */
export async function initializeAdapter(
  session: NativeSession,
  parameters: Iterable<ParameterSpec>,
  {
    dtype,
    seed,
    config,
    modules,
    tokenRows,
  }: InitOptions & {
    readonly config: LoraConfig
    readonly modules: ReadonlyMap<string, ModuleSpec>
    readonly tokenRows: ReadonlyMap<string, readonly number[]>
  },
): Promise<void> {
  const tables = new Map([...tokenRows.keys()].map((path) => [tokenRowsName(path), path]))
  for (const { name, shape } of parameters) {
    session.defineParameter(name, shape, dtype)
    const [rank = 1, inputs = 1] = shape
    const table = tables.get(name)
    if (table !== undefined) {
      const ids = tokenRows.get(table) ?? []
      await session.writeParameter(name, takeRows(await session.readParameter(`${table}.weight`), ids, inputs))
      continue
    }
    if (name.endsWith('.lora_A.weight')) {
      // kaiming_uniform with a = √5 comes to ±1/√inputs; 'gaussian' is PEFT's other choice.
      if (config.init === 'kaiming')
        await session.initParameter(name, { kind: 'uniform', value: 1 / Math.sqrt(inputs), seed })
      else await session.initParameter(name, { kind: 'normal', value: 1 / rank, seed })
    } else if (name.endsWith('.lora_magnitude_vector')) {
      // What the adapted weight's rows have at first, so that nothing changes.
      const module = modules.get(name.slice('base_model.model.'.length, -'.lora_magnitude_vector'.length))
      if (module === undefined) throw new AttuneError('internal', 'an adapter without its module', { where: name })
      const weight = await session.readParameter(`${module.path}.weight`)
      await session.writeParameter(name, outputNorms(weight, module))
    } else if (name.endsWith('.lora_embedding_B')) await session.initParameter(name, { kind: 'normal', value: 1, seed })
    else await session.initParameter(name, { kind: 'constant', value: 0, seed })
  }
}

/** Copies start as what they are copies of. */
export async function initializeCopies(
  session: NativeSession,
  parameters: readonly ParameterSpec[],
  copies: ReadonlyMap<string, string>,
  dtype: 'f32' | 'bf16',
): Promise<void> {
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]))
  for (const [original, copy] of copies) {
    const shape = shapes.get(copy)
    if (shape === undefined) throw new AttuneError('internal', 'a copy that the graph does not use', { where: copy })
    session.defineParameter(copy, shape, dtype)
    await session.writeParameter(copy, await session.readParameter(original))
  }
}
