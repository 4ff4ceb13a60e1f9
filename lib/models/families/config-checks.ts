/** Checks that the configurations of several families share. */
import { z } from 'zod'
import { AttuneError } from '../../errors.js'

export const size = z.int().positive()
export const probability = z.number().min(0).max(1)

/** Fields of every decoder with rotary positions and grouped heads. */
export const decoderFields = {
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  initializer_range: z.number().positive().default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  attention_dropout: probability.default(0),
  pad_token_id: z.int().nullish(),
}

export type DecoderFields = z.output<z.ZodObject<typeof decoderFields>>

export interface HeadShape {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
}

/** @throws AttuneError `invalid-config` where heads and sizes do not fit */
export function headShape(c: DecoderFields): HeadShape {
  const heads = c.num_attention_heads
  const kvHeads = c.num_key_value_heads ?? heads
  if ((c.head_dim ?? undefined) === undefined)
    requireMultiple('hidden_size', c.hidden_size, 'num_attention_heads', heads)
  requireMultiple('num_attention_heads', heads, 'num_key_value_heads', kvHeads)
  return { heads, kvHeads, headDim: c.head_dim ?? c.hidden_size / heads }
}

export function requireMultiple(field: string, value: number, of: string, divisor: number): void {
  if (value % divisor === 0) return
  throw invalidConfig(of, `${field} ${value} is no multiple of ${of} ${divisor}.`)
}

/** The padding row of an embedding; torch counts a negative index from the end. @throws AttuneError `invalid-config` */
export function paddingRow(c: { pad_token_id?: number | null | undefined; vocab_size: number }): number | undefined {
  const id = c.pad_token_id
  if (id === null || id === undefined) return undefined
  const row = id < 0 ? c.vocab_size + id : id
  if (row >= 0 && row < c.vocab_size) return row
  throw invalidConfig('pad_token_id', `Expected a token id below vocab_size ${c.vocab_size} but received ${id}.`)
}

/** Fields that would change the arithmetic in ways that are not written here. @throws AttuneError `invalid-config` */
export function refuse(config: Readonly<Record<string, unknown>>, ...fields: readonly string[]): void {
  for (const field of fields) {
    if (config[field] === true) throw invalidConfig(field, `"${field}" is not supported.`)
  }
}

export function invalidConfig(field: string, message: string): AttuneError {
  return new AttuneError('invalid-config', message, { where: `config.json.${field}` })
}
