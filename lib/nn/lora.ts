/**
 * LoRA (Hu et al. 2021): y = x W + scale * (dropout(x) Aᵀ) Bᵀ. Which modules get one, how large, how they start.
 * Matching and initial values are PEFT's.
 */
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { LowRank, ModuleSpec } from '../graph/builder.js'
import { checkOptions } from '../check-options.js'
import { suggestion } from '../nearest.js'

export interface LoraOptions {
  /** Columns of A and B. @default 8 */
  readonly rank?: number
  /** The product is scaled by alpha / rank (alpha / √rank with `rslora`). @default 16 */
  readonly alpha?: number
  /** Dropout on the input of A in training. @default 0 */
  readonly dropout?: number
  /**
   * Modules that get an adapter: `'all-linear'` (every linear but the head), names (`'q_proj'` matches every module of
   * that name), a pattern over whole module paths. @default 'all-linear'
   */
  readonly targets?: string | RegExp | readonly (string | RegExp)[]
  /** Rank-stabilised scale (Kalajdzievski 2023). @default false */
  readonly rslora?: boolean
  /** Weight-decomposed (DoRA, Liu et al. 2024): a learned magnitude per output besides. @default false */
  readonly dora?: boolean
  /** Biases trained as well: none, those of the adapted modules, or all. @default 'none' */
  readonly bias?: 'none' | 'lora_only' | 'all'
  /** Modules trained whole beside the adapter and kept with it, by name. @default the head of a classifier */
  readonly modulesToSave?: readonly string[]
  /**
   * Tokens whose rows of the embedding are trained beside the adapter and kept with it, and of a tied head too; they start as they
   * are. Ids, `'added'` (the tokens that the model was loaded with beyond its own), or ids by the name of a table: an embedding's, or
   * `'lm_head'` where that is not tied. @default none
   */
  readonly trainableTokenIndices?: 'added' | readonly number[] | Readonly<Record<string, readonly number[]>>
  /** How A starts; B starts as zeros. @default 'kaiming' */
  readonly init?: 'kaiming' | 'gaussian'
  /** Other ranks for some modules: PEFT's patterns, matched at the end of a path. @default {} */
  readonly rankPattern?: Readonly<Record<string, number>>
  /** Other alphas for some modules. @default {} */
  readonly alphaPattern?: Readonly<Record<string, number>>
}

/** An adapter to put on a model. */
export interface LoraConfig {
  readonly type: 'lora'
  readonly rank: number
  readonly alpha: number
  readonly dropout: number
  readonly targets: string | RegExp | readonly (string | RegExp)[]
  readonly rslora: boolean
  readonly dora: boolean
  readonly bias: 'none' | 'lora_only' | 'all'
  /** undefined: the head of a classifier. */
  readonly modulesToSave: readonly string[] | undefined
  /** undefined: none. */
  readonly trainableTokenIndices: LoraOptions['trainableTokenIndices']
  readonly init: 'kaiming' | 'gaussian'
  readonly rankPattern: Readonly<Record<string, number>>
  readonly alphaPattern: Readonly<Record<string, number>>
}

const tokenIds = z.array(z.int().min(0)).min(1)
/** Of `trainableTokenIndices`. */
export const trainableTokens = z
  .union([z.literal('added'), tokenIds, z.record(z.string().min(1), tokenIds)])
  .describe("'added', a list of token ids, or such lists by the name of a table")
const target = z.union([z.string(), z.instanceof(RegExp)])
const schema = z.strictObject({
  rank: z.int().positive().default(8),
  alpha: z.number().positive().default(16),
  dropout: z.number().min(0).lt(1).default(0),
  targets: z.union([target, z.array(target)]).default('all-linear'),
  rslora: z.boolean().default(false),
  dora: z.boolean().default(false),
  bias: z.enum(['none', 'lora_only', 'all']).default('none'),
  modulesToSave: z.array(z.string().min(1)).optional(),
  trainableTokenIndices: trainableTokens.optional(),
  init: z.enum(['kaiming', 'gaussian']).default('kaiming'),
  rankPattern: z.record(z.string(), z.int().positive()).default({}),
  alphaPattern: z.record(z.string(), z.number().positive()).default({}),
})

/** Describes a LoRA adapter. */
export function lora(options: LoraOptions = {}): LoraConfig {
  const { modulesToSave, trainableTokenIndices, ...settled } = checkOptions(schema, options, 'lora')
  return { type: 'lora', ...settled, modulesToSave, trainableTokenIndices }
}

/** The adapter of each module that `config.targets` names. `excluded` ones cannot have any. @throws AttuneError `no-match` */
export function placeLora(
  config: LoraConfig,
  modules: Iterable<ModuleSpec>,
  excluded: (path: string) => boolean,
): ReadonlyMap<string, LowRank> {
  const all = [...modules]
  const chosen = new Set<string>()
  const targets: readonly (string | RegExp)[] = Array.isArray(config.targets)
    ? config.targets
    : [wholePattern(config.targets as string | RegExp)]
  for (const target of targets) {
    const matches =
      target === 'all-linear'
        ? all.filter((m) => m.kind === 'linear' && !excluded(m.path))
        : all.filter((m) => matchesTarget(target, m.path))
    if (matches.length === 0) throw noModule(target, all)
    for (const { path } of matches) chosen.add(path)
  }
  const forbidden = [...chosen].find(excluded)
  if (forbidden !== undefined) {
    const message = `"${forbidden}" cannot carry an adapter: it is the head, or is trained whole. Leave it out of the targets.`
    throw new AttuneError('no-match', message, { where: 'adapter.targets' })
  }
  const table = config.dora ? all.find(({ kind, path }) => kind === 'embedding' && chosen.has(path)) : undefined
  if (table !== undefined) {
    throw new AttuneError('invalid-option', `DoRA is for linear modules, and "${table.path}" is an embedding.`, {
      where: 'adapter.dora',
    })
  }
  const placed = all.filter((module) => chosen.has(module.path))
  return new Map(placed.map(({ path }) => [path, lowRank(config, path)]))
}

function lowRank(config: LoraConfig, path: string): LowRank {
  const rank = byPattern(config.rankPattern, path) ?? config.rank
  const alpha = byPattern(config.alphaPattern, path) ?? config.alpha
  const scale = alpha / (config.rslora ? Math.sqrt(rank) : rank)
  return { rank, scale, dropout: config.dropout, magnitude: config.dora }
}

/** PEFT: the first key that is the end of the path, as a regular expression. */
function byPattern(patterns: Readonly<Record<string, number>>, path: string): number | undefined {
  return Object.entries(patterns).find(([key]) => new RegExp(`^(?:.*\\.)?(?:${key})$`).test(path))?.[1]
}

/** PEFT reads a lone string as a pattern over the whole path, and names only in lists. */
function wholePattern(target: string | RegExp): string | RegExp {
  if (typeof target !== 'string' || target === 'all-linear' || /^[\w.]+$/.test(target)) return target
  try {
    return new RegExp(`^(?:${target})$`)
  } catch (cause) {
    throw new AttuneError('invalid-option', `"${target}" is no pattern.`, { where: 'adapter.targets', cause })
  }
}

function matchesTarget(target: string | RegExp, path: string): boolean {
  if (target instanceof RegExp) return new RegExp(target.source, target.flags.replace(/[gy]/g, '')).test(path)
  return path === target || path.endsWith(`.${target}`)
}

function noModule(target: string | RegExp, modules: readonly ModuleSpec[]): AttuneError {
  const names = [...new Set(modules.map(({ path }) => path.split('.').at(-1) ?? path))]
  const hint = typeof target === 'string' ? suggestion(target, names) : ''
  return new AttuneError('no-match', `No module matches ${String(target)}.${hint} There are: ${names.join(', ')}.`, {
    where: 'adapter.targets',
  })
}
