/** Parameters that an adapter trains whole: it has copies of its own, so that the model stays as it is. Names are PEFT's. */
import { AttuneError } from '../errors.js'
import type { LowRank, ParameterSpec } from '../graph/builder.js'
import { suggestion } from '../nearest.js'
import type { LoraConfig } from '../nn/lora.js'
import type { ModelDefinition } from './family.js'
import { matchesModule } from './parameter-selection.js'

/**
 * Names of the modules that are trained whole: those asked for, or, of a classifier, its output layer and what of its
 * head is new.
 */
export function modulesToSave(
  { modulesToSave: asked }: LoraConfig,
  { head, headModules }: ModelDefinition,
  initialized: readonly string[],
): readonly string[] {
  if (asked !== undefined) return asked
  if (head.kind !== 'labels') return []
  return headModules.filter(
    (path, i) => i === headModules.length - 1 || initialized.some((name) => matchesModule(path, name)),
  )
}

export function isSavedModule(modules: readonly string[], path: string): boolean {
  return modules.some((name) => new RegExp(`(^|\\.)${escaped(name)}(\\.|$)`).test(path))
}

/** The copy's name of each parameter that has one. `strict`: every module must be there. @throws AttuneError `no-match` */
export function placeCopies(
  { bias }: LoraConfig,
  modules: readonly string[],
  base: ReadonlyMap<string, ParameterSpec>,
  lowRanks: ReadonlyMap<string, LowRank>,
  strict: boolean,
): ReadonlyMap<string, string> {
  const copies = new Map<string, string>()
  const names = [...base.keys()]
  for (const module of modules) {
    const found = names.filter((name) => isSavedModule([module], name))
    for (const name of found) copies.set(name, `base_model.model.${name}`)
    if (found.length > 0 || !strict) continue
    const hint = suggestion(module, [...new Set(names.flatMap((name) => name.split('.')))])
    throw new AttuneError('no-match', `No module is named "${module}".${hint}`, { where: 'adapter.modulesToSave' })
  }
  if (bias === 'none') return copies
  for (const name of names) {
    if (!name.includes('bias') || copies.has(name)) continue
    const path = name.slice(0, name.lastIndexOf('.'))
    if (lowRanks.has(path)) copies.set(name, `base_model.model.${path}.base_layer.bias`)
    else if (bias === 'all') copies.set(name, `base_model.model.${name}`)
  }
  return copies
}

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
