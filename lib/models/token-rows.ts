/** Rows of a vocabulary's tables that an adapter trains alone (PEFT's `trainable_token_indices`): it has its own in their place. */
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import type { LoraConfig } from '../nn/lora.js'
import type { ModuleSpec } from '../graph/builder.js'
import type { ModelDefinition } from './family.js'

const where = 'adapter.trainableTokenIndices'

export interface TokenRowsHost {
  readonly definition: ModelDefinition
  readonly modules: ReadonlyMap<string, ModuleSpec>
  /** Ids of the tokens that the vocabulary got beside its own. */
  readonly addedTokens: readonly number[]
}

/**
 * The tokens with rows of their own, by the path of the table they are of. A tied head has none: it sees the embedding's.
 * @param taken whether the adapter changes that module otherwise
 * @throws AttuneError `no-match`, `invalid-option`
 */
export function placeTokenRows(
  { trainableTokenIndices: asked }: LoraConfig,
  { definition, modules, addedTokens }: TokenRowsHost,
  taken: (path: string) => boolean,
): ReadonlyMap<string, readonly number[]> {
  if (asked === undefined) return new Map()
  const { embedding } = definition
  const lists: Iterable<readonly [string, readonly number[]]> =
    asked === 'added'
      ? [[embedding, required(addedTokens)]]
      : isList(asked)
        ? [[embedding, asked]]
        : Object.entries(asked).map(([name, ids]) => [tableNamed(name, definition, modules), ids])
  const placed = new Map<string, readonly number[]>()
  for (const [path, ids] of lists) {
    const same = placed.get(path)
    if (same !== undefined && String(same) !== String(ids)) {
      const message = `"${path}" is named twice, with different tokens: a tied head has the rows of its embedding.`
      throw new AttuneError('invalid-option', message, { where })
    }
    const rows = modules.get(path)?.kind === 'embedding' ? modules.get(path)?.inputs : modules.get(path)?.outputs
    checkIds(ids, rows ?? 0, path)
    if (taken(path)) {
      const message = `"${path}" is among the targets or the modules that are trained whole: train its rows, or that.`
      throw new AttuneError('invalid-option', message, { where })
    }
    placed.set(path, ids)
  }
  return placed
}

/** PEFT's name of the rows of a table. They are whole rows, whatever the name says. */
export function tokenRowsName(path: string): string {
  return `base_model.model.${path}.token_adapter.trainable_tokens_delta`
}

/** The rows of these tokens. */
export function takeRows(table: Float32Array, ids: readonly number[], features: number): Float32Array {
  const rows = new Float32Array(ids.length * features)
  ids.forEach((id, i) => {
    rows.set(table.subarray(id * features, (id + 1) * features), i * features)
  })
  return rows
}

/** The table, with these rows put in. */
export function putRows(table: Float32Array, ids: readonly number[], rows: Float32Array): Float32Array {
  const features = rows.length / ids.length
  ids.forEach((id, i) => {
    table.set(rows.subarray(i * features, (i + 1) * features), id * features)
  })
  return table
}

function required(addedTokens: readonly number[]): readonly number[] {
  if (addedTokens.length > 0) return addedTokens
  const message = 'No tokens were added to this model: load it with addTokens, or give the ids of tokens that it has.'
  throw new AttuneError('no-match', message, { where })
}

function isList(asked: readonly number[] | Readonly<Record<string, readonly number[]>>): asked is readonly number[] {
  return Array.isArray(asked)
}

/** A table that tokens are looked up in or predicted with; a tied head is its embedding. */
function tableNamed(
  name: string,
  { embedding, head }: ModelDefinition,
  modules: ReadonlyMap<string, ModuleSpec>,
): string {
  const matches = (path: string) => path === name || path.endsWith(`.${name}`)
  const own = head.kind === 'vocabulary' ? head.module : undefined
  const tables = [...modules.values()].filter(({ kind, path }) => kind === 'embedding' || path === own)
  const found = tables.filter(({ path }) => matches(path)).map(({ path }) => path)
  if (found.length === 0 && own !== undefined && matches(own)) return embedding
  const [path] = found
  if (path !== undefined && found.length === 1) return path
  const names = tables.map((table) => table.path)
  const many = `"${name}" names ${found.join(' and ')}: give the whole path of one.`
  const none = `No table is named "${name}".${suggestion(name, names)} There are: ${names.join(', ')}.`
  throw new AttuneError('no-match', found.length > 1 ? many : none, { where })
}

function checkIds(ids: readonly number[], rows: number, path: string): void {
  const wrong = ids.find((id) => id >= rows)
  if (wrong !== undefined) {
    throw new AttuneError('invalid-option', `"${path}" has ${rows} rows: there is no token ${wrong}.`, { where })
  }
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  if (twice !== undefined) throw new AttuneError('invalid-option', `Token ${twice} is listed twice.`, { where })
}
