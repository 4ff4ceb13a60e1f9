import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import type { ModelDefinition } from './family.js'

/** A name, a module path (all below it), a glob with `*`, or a regular expression. */
export type ParameterPattern = string | RegExp

/** Which parameters are trained. */
export type TrainableSelection =
  | 'all'
  | 'none'
  | readonly ParameterPattern[]
  /** The last blocks and the last norm; `head` (default true) with the head, unless it is the embedding. */
  | { readonly lastLayers: number; readonly head?: boolean }
  /** The head alone; the embedding where they are one. */
  | { readonly head: true }

/** The names that the patterns match. @throws AttuneError `no-match` for a pattern that matches nothing */
export function matchNames(
  patterns: readonly ParameterPattern[],
  names: readonly string[],
  where: string,
): Set<string> {
  const chosen = new Set<string>()
  for (const pattern of patterns) {
    const matches = matcher(pattern)
    const found = names.filter(matches)
    if (found.length === 0) {
      const hint = typeof pattern === 'string' ? suggestion(pattern, names) : ''
      throw new AttuneError(
        'no-match',
        `No parameter matches ${String(pattern)}.${hint} There are: ${summary(names)}.`,
        { where },
      )
    }
    for (const name of found) chosen.add(name)
  }
  return chosen
}

export function selectTrainable(
  selection: TrainableSelection,
  names: readonly string[],
  definition: ModelDefinition,
): Set<string> {
  const where = 'trainable'
  if (selection === 'all') return new Set(names)
  if (selection === 'none') return new Set()
  if (isPatterns(selection)) return matchNames(selection, names, where)
  const { headModules, tied } = definition
  if (!('lastLayers' in selection)) return matchNames(headModules, names, where)
  const { lastLayers } = selection
  if (!Number.isInteger(lastLayers) || lastLayers < 0 || lastLayers > definition.blockCount) {
    throw new AttuneError(
      'invalid-option',
      `Expected 0 to ${definition.blockCount} layers but received ${lastLayers}.`,
      {
        where: `${where}.lastLayers`,
      },
    )
  }
  const modules = Array.from(
    { length: lastLayers },
    (_, i) => `${definition.blocks}.${definition.blockCount - lastLayers + i}`,
  )
  if (definition.finalNorm !== undefined) modules.push(definition.finalNorm)
  if (selection.head !== false) modules.push(...headModules.filter((path) => !tied || path !== definition.embedding))
  return matchNames(modules, names, where)
}

function isPatterns(selection: TrainableSelection): selection is readonly ParameterPattern[] {
  return Array.isArray(selection)
}

function matcher(pattern: ParameterPattern): (name: string) => boolean {
  if (pattern instanceof RegExp) {
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
    return (name) => stateless.test(name)
  }
  if (pattern.includes('*')) {
    const source = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    const glob = new RegExp(`^${source.join('.*')}$`)
    return (name) => glob.test(name)
  }
  return (name) => matchesModule(pattern, name)
}

/** Whether a parameter lies in a module, or is the path itself. */
export function matchesModule(path: string, name: string): boolean {
  return name === path || name.startsWith(`${path}.`)
}

/** The names, with the numbers of blocks as `*`. */
function summary(names: readonly string[]): string {
  return [...new Set(names.map((name) => name.replace(/\.\d+\./g, '.*.')))].join(', ')
}
