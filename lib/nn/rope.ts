/** Rotary positions: inverse frequencies in float32 steps, as Hugging Face's `modeling_rope_utils` takes them. */
import { z } from 'zod'
import { AttuneError } from '../errors.js'

const positive = z.number().positive()

/** What a configuration says of rotary positions. */
export const ropeParameters = z.looseObject({
  rope_type: z.string().optional(),
  /** Older name of `rope_type`. */
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.nullish(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: positive.optional(),
  partial_rotary_factor: positive.max(1).optional(),
  attention_factor: positive.nullish(),
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().optional(),
  short_factor: z.array(positive).optional(),
  long_factor: z.array(positive).optional(),
})

type RopeParameters = z.output<typeof ropeParameters>

/** Both shapes of a configuration: `rope_theta` and `rope_scaling`, or `rope_parameters`. */
export const ropeFields = {
  rope_theta: positive.optional(),
  rope_scaling: ropeParameters.nullish(),
  rope_parameters: ropeParameters.nullish(),
  partial_rotary_factor: positive.max(1).optional(),
  /** Phi-3 has it here and not among the rope's fields. */
  original_max_position_embeddings: positive.optional(),
}

export type RopeConfig = z.output<z.ZodObject<typeof ropeFields>>

export interface Rope {
  readonly inverseFrequencies: readonly number[]
  /** Multiplies cosines and sines. */
  readonly attentionScaling: number
  /** Positions that these frequencies are for: Hugging Face takes others for longer texts (dynamic, longrope). */
  readonly maxPositions: number
}

const f32 = Math.fround

/** The frequencies alone, for families that neither scale the scores nor shorten the texts: others are refused. */
export function inverseFrequencies(config: RopeConfig, headDim: number, maxPositions: number): number[] {
  const rope = ropeOf(config, headDim, maxPositions)
  if (rope.attentionScaling === 1 && rope.maxPositions === maxPositions) return [...rope.inverseFrequencies]
  throw unsupported(config, 'default, linear, dynamic or llama3')
}

export function ropeOf(config: RopeConfig, headDim: number, maxPositions: number): Rope {
  const rope = config.rope_parameters ?? config.rope_scaling ?? {}
  const theta = rope.rope_theta ?? config.rope_theta ?? 10000
  const rotated = Math.floor(headDim * (rope.partial_rotary_factor ?? config.partial_rotary_factor ?? 1))
  const periods = Array.from({ length: Math.floor(rotated / 2) }, (_, i) => f32(theta ** f32((2 * i) / rotated)))
  const plain = periods.map((period) => f32(1 / period))
  const original = rope.original_max_position_embeddings ?? config.original_max_position_embeddings ?? maxPositions
  const rest = { attentionScaling: 1, maxPositions }
  switch (typeOf(rope)) {
    // The base of dynamic grows with texts longer than max_position_embeddings, and such are refused.
    case 'default':
    case 'dynamic':
      return { inverseFrequencies: plain, ...rest }
    case 'linear': {
      const factor = required(rope.factor, 'factor')
      return { inverseFrequencies: plain.map((frequency) => f32(frequency / factor)), ...rest }
    }
    case 'llama3':
      return {
        inverseFrequencies: llama3(plain, {
          factor: required(rope.factor, 'factor'),
          low: required(rope.low_freq_factor, 'low_freq_factor'),
          high: required(rope.high_freq_factor, 'high_freq_factor'),
          original,
        }),
        ...rest,
      }
    case 'yarn': {
      const factor = rope.factor ?? maxPositions / original
      const inverseFrequencies = yarn(periods, rope, { factor, original, theta, rotated })
      return { inverseFrequencies, attentionScaling: yarnScaling(rope, factor), maxPositions }
    }
    case 'longrope': {
      const factors = required(rope.short_factor, 'short_factor')
      if (factors.length !== periods.length) {
        throw new AttuneError(
          'invalid-config',
          `Expected ${periods.length} numbers in short_factor, one per rotated pair, but received ${factors.length}.`,
          { where: 'config.json.rope_scaling.short_factor' },
        )
      }
      const stretch = rope.factor ?? maxPositions / original
      const scaling = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original))
      return {
        inverseFrequencies: periods.map((period, i) => f32(1 / f32(f32(factors[i] ?? 1) * period))),
        attentionScaling: rope.attention_factor ?? scaling,
        // Longer texts take long_factor for all their tokens.
        maxPositions: Math.min(original, maxPositions),
      }
    }
    default:
      throw unsupported(config, 'default, linear, dynamic, llama3, yarn or longrope')
  }
}

/** Peng et al. 2023: pairs that turn more than `beta_fast` times in the first context stay, below `beta_slow` they are stretched. */
function yarn(
  periods: readonly number[],
  rope: RopeParameters,
  o: { factor: number; original: number; theta: number; rotated: number },
): number[] {
  const pairOf = (turns: number) => (o.rotated * Math.log(o.original / (turns * 2 * Math.PI))) / (2 * Math.log(o.theta))
  const whole = rope.truncate ?? true
  const first = pairOf(rope.beta_fast ?? 32)
  const last = pairOf(rope.beta_slow ?? 1)
  const low = Math.max(whole ? Math.floor(first) : first, 0)
  const high = Math.min(whole ? Math.ceil(last) : last, o.rotated - 1)
  const range = low === high ? 0.001 : high - low
  return periods.map((period, i) => {
    const ramp = f32(Math.min(1, Math.max(0, f32(f32(i - low) / range))))
    const kept = f32(1 - ramp)
    return f32(f32(f32(1 / f32(o.factor * period)) * f32(1 - kept)) + f32(f32(1 / period) * kept))
  })
}

function yarnScaling(rope: RopeParameters, factor: number): number {
  const scale = (m: number) => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1)
  const { attention_factor: given, mscale, mscale_all_dim: all } = rope
  if (given !== undefined && given !== null) return given
  // Hugging Face leaves both out where either is 0.
  return mscale && all ? scale(mscale) / scale(all) : scale(1)
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

function typeOf(rope: RopeParameters): string {
  return rope.rope_type ?? rope.type ?? 'default'
}

function unsupported(config: RopeConfig, expected: string): AttuneError {
  const newer = config.rope_parameters !== undefined && config.rope_parameters !== null
  const type = typeOf(config.rope_parameters ?? config.rope_scaling ?? {})
  return new AttuneError('invalid-config', `Rope type "${type}" is not supported: expected ${expected}.`, {
    where: `config.json.${newer ? 'rope_parameters' : 'rope_scaling'}.rope_type`,
  })
}

function required<T>(value: T | null | undefined, field: string): T {
  if (value === undefined || value === null) {
    throw new AttuneError('invalid-config', `This rope type needs "${field}".`, {
      where: `config.json.rope_scaling.${field}`,
    })
  }
  return value
}
