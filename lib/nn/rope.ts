/** Inverse frequencies of rotary positions, in float32 steps as Hugging Face's `modeling_rope_utils` takes them. */
import { z } from 'zod'
import { AttuneError } from '../errors.js'

/** What a configuration says of rotary positions. */
export const ropeParameters = z.looseObject({
  rope_type: z.string().optional(),
  /** Older name of `rope_type`. */
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: z.number().positive().optional(),
  partial_rotary_factor: z.number().positive().max(1).optional(),
})

/** Both shapes of a configuration: `rope_theta` and `rope_scaling`, or `rope_parameters`. */
export const ropeFields = {
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeParameters.nullish(),
  rope_parameters: ropeParameters.nullish(),
  partial_rotary_factor: z.number().positive().max(1).optional(),
}

export type RopeConfig = z.output<z.ZodObject<typeof ropeFields>>

const f32 = Math.fround

export function inverseFrequencies(config: RopeConfig, headDim: number, maxPositions: number): number[] {
  const rope = config.rope_parameters ?? config.rope_scaling ?? {}
  const theta = rope.rope_theta ?? config.rope_theta ?? 10000
  const rotated = Math.floor(headDim * (rope.partial_rotary_factor ?? config.partial_rotary_factor ?? 1))
  const plain = Array.from({ length: Math.floor(rotated / 2) }, (_, i) => f32(1 / f32(theta ** f32((2 * i) / rotated))))
  const type = rope.rope_type ?? rope.type ?? 'default'
  switch (type) {
    case 'default':
      return plain
    case 'linear': {
      const factor = required(rope.factor, 'factor')
      return plain.map((frequency) => f32(frequency / factor))
    }
    case 'llama3':
      return llama3(plain, {
        factor: required(rope.factor, 'factor'),
        low: required(rope.low_freq_factor, 'low_freq_factor'),
        high: required(rope.high_freq_factor, 'high_freq_factor'),
        original: rope.original_max_position_embeddings ?? maxPositions,
      })
    default:
      throw new AttuneError(
        'invalid-config',
        `Rope type "${type}" is not supported: expected default, linear or llama3.`,
        {
          where: `config.json.${(config.rope_parameters ?? undefined) === undefined ? 'rope_scaling' : 'rope_parameters'}.rope_type`,
        },
      )
  }
}

/** Long wavelengths are stretched by `factor`, short ones stay, those between are blended. */
function llama3(
  plain: readonly number[],
  o: { factor: number; low: number; high: number; original: number },
): number[] {
  return plain.map((frequency) => {
    const wavelength = f32((2 * Math.PI) / frequency)
    if (wavelength < o.original / o.high) return frequency
    const stretched = f32(frequency / o.factor)
    if (wavelength > o.original / o.low) return stretched
    const smooth = f32(f32(f32(o.original / wavelength) - o.low) / (o.high - o.low))
    return f32(f32(f32(f32(1 - smooth) * frequency) / o.factor) + f32(smooth * frequency))
  })
}

function required(value: number | undefined, field: string): number {
  if (value === undefined) {
    throw new AttuneError('invalid-config', `This rope type needs "${field}".`, {
      where: `config.json.rope_scaling.${field}`,
    })
  }
  return value
}
