/** Random initial values, as Hugging Face's models and PEFT draw them. */
import type { ParameterSpec } from '../graph/builder.js'
import type { NativeSession } from '../native.js'
import type { LoraConfig } from '../nn/lora.js'

export interface InitOptions {
  readonly dtype: 'f32' | 'bf16'
  readonly seed: number
}

/** Weights and embeddings normal, norms ones, biases and padding rows zeros. */
export async function initializeParameters(
  session: NativeSession,
  parameters: Iterable<ParameterSpec>,
  { dtype, seed, initializerRange }: InitOptions & { readonly initializerRange: number },
): Promise<void> {
  for (const { name, shape, role, initScale, paddingIndex } of parameters) {
    session.defineParameter(name, shape, dtype)
    if (role === 'norm') await session.initParameter(name, { kind: 'constant', value: 1, seed })
    else if (role === 'bias') await session.initParameter(name, { kind: 'constant', value: 0, seed })
    else await session.initParameter(name, { kind: 'normal', value: initializerRange * initScale, seed })
    if (paddingIndex !== undefined) {
      const data = await session.readParameter(name)
      const width = shape.at(-1) ?? 0
      data.fill(0, paddingIndex * width, (paddingIndex + 1) * width)
      await session.writeParameter(name, data)
    }
  }
}

/** So that the adapter changes nothing yet: B zeros and A random; for embeddings A zeros and B random. */
export async function initializeAdapter(
  session: NativeSession,
  parameters: Iterable<ParameterSpec>,
  { dtype, seed, config }: InitOptions & { readonly config: LoraConfig },
): Promise<void> {
  for (const { name, shape } of parameters) {
    session.defineParameter(name, shape, dtype)
    const [rank = 1, inputs = 1] = shape
    if (name.endsWith('.lora_A.weight')) {
      // kaiming_uniform with a = √5 comes to ±1/√inputs; 'gaussian' is PEFT's other choice.
      if (config.init === 'kaiming')
        await session.initParameter(name, { kind: 'uniform', value: 1 / Math.sqrt(inputs), seed })
      else await session.initParameter(name, { kind: 'normal', value: 1 / rank, seed })
    } else if (name.endsWith('.lora_embedding_B')) await session.initParameter(name, { kind: 'normal', value: 1, seed })
    else await session.initParameter(name, { kind: 'constant', value: 0, seed })
  }
}
