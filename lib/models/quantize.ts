/** Which parameters of a model are held in fewer bits. */
import type { ModuleSpec, ParameterSpec } from '../graph/builder.js'
import type { ModelDefinition } from './family.js'
import type { Quantization } from './quantization.js'

/**
 * The weights of linear layers; with 'int8' also the token embedding and the head over the vocabulary, which 'nf4' leaves alone
 * as bitsandbytes does. A head of labels is trained, so it never is.
 */
export function quantizedParameters(
  quantization: Quantization | undefined,
  modules: ReadonlyMap<string, ModuleSpec>,
  parameters: ReadonlyMap<string, ParameterSpec>,
  { embedding, head, headModules }: Pick<ModelDefinition, 'embedding' | 'head' | 'headModules'>,
): ReadonlyMap<string, Quantization> {
  const quantized = new Map<string, Quantization>()
  if (quantization === undefined) return quantized
  const ofHead = (path: string) => headModules.some((module) => path === module || path.startsWith(`${module}.`))
  for (const { path, kind } of modules.values()) {
    const tables = path === embedding || (head.kind === 'vocabulary' && path === head.module)
    const wanted = tables ? quantization === 'int8' : kind === 'linear' && !ofHead(path)
    if (wanted && parameters.has(`${path}.weight`)) quantized.set(`${path}.weight`, quantization)
  }
  return quantized
}
