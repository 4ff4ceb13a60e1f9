/** The model families, by `model_type`. A family is one file and one line here. */
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import type { Backbone, ConfigJson, Head, ModelDefinition, ModelFamily } from './family.js'
import { bert } from './families/bert.js'
import { distilbert } from './families/distilbert.js'
import { gemma } from './families/gemma.js'
import { gpt2 } from './families/gpt2.js'
import { gptNeox } from './families/gpt-neox.js'
import { settleLabels } from './labels.js'
import { llama } from './families/llama.js'
import { mistral } from './families/mistral.js'
import { modernbert } from './families/modernbert.js'
import { phi3 } from './families/phi3.js'
import { qwen } from './families/qwen.js'
import { t5 } from './families/t5.js'
import { tasks, type Task } from '../task.js'
import type { TaskRequest } from './task.js'

export const families: readonly ModelFamily[] = [
  gpt2,
  llama,
  mistral,
  qwen,
  gemma,
  phi3,
  gptNeox,
  t5,
  bert,
  distilbert,
  modernbert,
]

export interface DefineOptions extends TaskRequest {
  readonly dropout?: number | undefined
}

/**
 * The model that a configuration describes, with the head of the task asked for, or of the configuration's architecture.
 * @throws AttuneError `unsupported-architecture` listing those supported, `unsupported-task` listing the family's
 */
export function defineModel(config: ConfigJson, options: DefineOptions = {}): ModelDefinition {
  const whole = familyOf(config).define(config, options.dropout)
  const { task, head } = chosenHead(whole, config, options.task)
  const embeds = head.kind === 'embedding' && whole.encoder !== undefined
  const backbone: Backbone = embeds
    ? { ...whole, ...whole.encoder, kind: 'encoder', decoderStartTokenId: undefined }
    : whole
  const { labels, problemType } = settleLabels(config, task, options)
  const tied = head.kind === 'vocabulary' && head.tiedTo !== undefined
  return {
    ...backbone,
    task,
    problemType,
    labels,
    head,
    pooling: options.pooling ?? (head.kind === 'embedding' ? head.pooling : 'mean'),
    normalize: options.normalize ?? false,
    architecture: head.architecture,
    headModules: head.modules,
    tied,
    quantized: new Map(),
  }
}

function familyOf(config: ConfigJson): ModelFamily {
  const type = config.model_type
  const types = families.flatMap((family) => family.modelTypes)
  const family = families.find(({ modelTypes }) => modelTypes.some((known) => known === type))
  if (family !== undefined) return family
  const hint = typeof type === 'string' ? suggestion(type, types) : ''
  throw new AttuneError(
    'unsupported-architecture',
    `Model type ${JSON.stringify(type)} is not supported.${hint} Supported: ${types.join(', ')}.`,
    { where: 'config.json.model_type' },
  )
}

function chosenHead(backbone: Backbone, config: ConfigJson, asked: Task | undefined): { task: Task; head: Head } {
  const { heads } = backbone
  const known = tasks.filter((task) => heads[task] !== undefined)
  if (asked !== undefined) {
    const head = heads[asked]
    if (head !== undefined) return { task: asked, head }
    throw new AttuneError(
      'unsupported-task',
      `A model of type "${backbone.modelType}" cannot be loaded for ${asked}: it serves ${known.join(', ')}.`,
      { where: 'options.task' },
    )
  }
  const architectures = Array.isArray(config.architectures) ? config.architectures.map(String) : []
  const bare = architectures.length === 0 || architectures.some((name) => /Model$/.test(name))
  const task = bare
    ? bareTask(backbone, architectures)
    : known.find((name) => architectures.includes(heads[name]?.architecture ?? ''))
  const head = task === undefined ? undefined : heads[task]
  if (task !== undefined && head !== undefined) return { task, head }
  throw new AttuneError(
    'unsupported-architecture',
    `Architecture ${architectures.join(', ')} is not supported. Supported: ${known.map((name) => heads[name]?.architecture).join(', ')}.`,
    { where: 'config.json.architectures' },
  )
}

/** A checkpoint without a head: encoders give embeddings; what writes needs a matrix, its own or the embedding's. */
function bareTask({ kind, heads }: Backbone, architectures: readonly string[]): Task {
  const writes = kind === 'decoder' ? 'causal-lm' : 'seq2seq-lm'
  const head = heads[writes]
  const stored = architectures.length === 0 || (head?.kind === 'vocabulary' && head.tiedTo !== undefined)
  return kind === 'encoder' || !stored || architectures.some((name) => name.includes('Encoder')) ? 'embedding' : writes
}
