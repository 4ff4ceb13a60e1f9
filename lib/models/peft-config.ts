/** `adapter_config.json` of PEFT, both ways. */
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { LoraConfig } from '../nn/lora.js'
import type { Task } from '../task.js'

const tokenIds = z.array(z.int().min(0))
const schema = z.looseObject({
  peft_type: z.string(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  target_modules: z.union([z.string(), z.array(z.string())]),
  use_rslora: z.boolean().nullish(),
  bias: z.enum(['none', 'lora_only', 'all']).default('none'),
  use_dora: z.boolean().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: z.record(z.string(), z.int().positive()).nullish(),
  alpha_pattern: z.record(z.string(), z.number().positive()).nullish(),
  trainable_token_indices: z.union([tokenIds, z.record(z.string(), tokenIds)]).nullish(),
  init_lora_weights: z.unknown().optional(),
})

/** Fields that do not change what a stored adapter computes here. */
const harmless = new Set(
  [
    'arrow_config auto_mapping base_model_name_or_path corda_config ensure_weight_tying eva_config fan_in_fan_out',
    'inference_mode layers_pattern loftq_config lora_ga_config megatron_config megatron_core peft_version',
    'qalora_group_size revision runtime_config task_type',
  ].flatMap((line) => line.split(' ')),
)

/** @throws AttuneError `invalid-adapter` naming what is not supported */
export function readPeftConfig(json: Readonly<Record<string, unknown>>, where: string): LoraConfig {
  const result = schema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new AttuneError('invalid-adapter', `${issue?.message ?? 'Invalid adapter configuration'}.`, {
      where: [where, ...(issue?.path ?? [])].join('.'),
    })
  }
  const c = result.data
  if (c.peft_type.toUpperCase() !== 'LORA') {
    throw new AttuneError('invalid-adapter', `Adapters of type "${c.peft_type}" are not supported: expected "LORA".`, {
      where: `${where}.peft_type`,
    })
  }
  for (const [field, value] of Object.entries(json)) {
    if (field in schema.shape || harmless.has(field) || isEmpty(value)) continue
    throw new AttuneError('invalid-adapter', `"${field}": ${JSON.stringify(value)} is not supported.`, {
      where: `${where}.${field}`,
    })
  }
  return {
    type: 'lora',
    rank: c.r,
    alpha: c.lora_alpha,
    dropout: c.lora_dropout,
    targets:
      typeof c.target_modules === 'string' && c.target_modules !== 'all-linear'
        ? new RegExp(`^(?:${c.target_modules})$`)
        : c.target_modules,
    rslora: c.use_rslora ?? false,
    dora: c.use_dora ?? false,
    bias: c.bias,
    modulesToSave: c.modules_to_save ?? [],
    trainableTokenIndices: storedTokens(c.trainable_token_indices),
    init: c.init_lora_weights === 'gaussian' ? 'gaussian' : 'kaiming',
    rankPattern: c.rank_pattern ?? {},
    alphaPattern: c.alpha_pattern ?? {},
  }
}

/** An empty list, or one of a table, is no tokens. */
function storedTokens(stored: readonly number[] | Record<string, readonly number[]> | null | undefined) {
  if (isEmpty(stored) || stored === null) return undefined
  if (Array.isArray(stored)) return stored as readonly number[]
  return Object.fromEntries(
    Object.entries(stored as Record<string, readonly number[]>).filter(([, ids]) => ids.length > 0),
  )
}

export interface PeftOptions {
  readonly config: LoraConfig
  /** Module paths that carry the adapter. */
  readonly modules: readonly string[]
  readonly fanInFanOut: boolean
  readonly base: string | undefined
  readonly task: Task
  /** Names of the modules that are kept whole. */
  readonly modulesToSave: readonly string[]
  /** Tokens with rows of their own, by module path. */
  readonly tokenRows: ReadonlyMap<string, readonly number[]>
  /** Module path of the token embedding. */
  readonly embedding: string
}

/** PEFT's names of the tasks; it has none for masked language models. */
const taskTypes: Readonly<Record<Task, string | null>> = {
  'causal-lm': 'CAUSAL_LM',
  'sequence-classification': 'SEQ_CLS',
  'token-classification': 'TOKEN_CLS',
  'question-answering': 'QUESTION_ANS',
  'masked-lm': null,
  'seq2seq-lm': 'SEQ_2_SEQ_LM',
  embedding: 'FEATURE_EXTRACTION',
}

/** What PEFT needs to load the adapter. Targets are written as whole paths, so that PEFT matches the same modules. */
export function writePeftConfig({
  config,
  modules,
  fanInFanOut,
  base,
  task,
  modulesToSave,
  tokenRows,
  embedding,
}: PeftOptions): Record<string, unknown> {
  return {
    peft_type: 'LORA',
    task_type: taskTypes[task],
    base_model_name_or_path: base ?? null,
    inference_mode: true,
    r: config.rank,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    target_modules: targetNames(config, modules),
    use_rslora: config.rslora,
    fan_in_fan_out: fanInFanOut,
    bias: config.bias,
    init_lora_weights: config.init === 'gaussian' ? 'gaussian' : true,
    rank_pattern: config.rankPattern,
    alpha_pattern: config.alphaPattern,
    modules_to_save: modulesToSave.length === 0 ? null : modulesToSave,
    trainable_token_indices: tokenIndices(tokenRows, embedding),
    use_dora: config.dora,
  }
}

/** PEFT's short form where the rows are the token embedding's alone; whole paths, which match one module, else. */
function tokenIndices(tokenRows: ReadonlyMap<string, readonly number[]>, embedding: string): unknown {
  if (tokenRows.size === 0) return null
  return tokenRows.size === 1
    ? (tokenRows.get(embedding) ?? Object.fromEntries(tokenRows))
    : Object.fromEntries(tokenRows)
}

/** The names given, where they were names; else the whole paths. */
function targetNames(config: LoraConfig, modules: readonly string[]): readonly string[] {
  const given = Array.isArray(config.targets) ? config.targets : [config.targets]
  const names = given.filter((name): name is string => typeof name === 'string' && /^[\w.]+$/.test(name))
  return names.length === given.length ? names : modules
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}
