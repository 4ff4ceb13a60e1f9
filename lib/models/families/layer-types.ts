/** Which layers see everything before them and which a window: `layer_types`, or an older rule. */
import { z } from 'zod'
import { invalidConfig } from './config-checks.js'

export const layerTypes = z.array(z.enum(['full_attention', 'sliding_attention']))
export type LayerType = z.output<typeof layerTypes>[number]

/** The type of each layer. `rule` says it where the configuration does not. @throws AttuneError `invalid-config` */
export function typesOfLayers(
  stored: readonly LayerType[] | null | undefined,
  layers: number,
  rule: (index: number) => LayerType,
): readonly LayerType[] {
  if (stored === null || stored === undefined) return Array.from({ length: layers }, (_, i) => rule(i))
  if (stored.length === layers) return stored
  throw invalidConfig('layer_types', `Expected ${layers} types, one per layer, but received ${stored.length}.`)
}
