import { RandomStream } from './random.js'
import { ignoredLabel } from './row-encoders.js'

/** A text whose tokens can be masked. */
export interface MaskableText {
  readonly inputIds: Int32Array
  /** What is masked together has the same number; -1: never masked. */
  readonly units: Int32Array
}

export interface MaskOptions {
  readonly maskTokenId: number
  /** The ids that a token may be replaced by. */
  readonly replacements: Int32Array
  /** Part of the tokens that is masked; at least one is. */
  readonly probability: number
  readonly seed: number
  readonly epoch: number
  /** The example's index: each has random numbers of its own. */
  readonly index: number
}

/**
 * Picks tokens to predict (Devlin et al. 2019): of those, 80 % become the mask token, 10 % another token, 10 % stay. Always
 * the same for the same seed, epoch and index.
 */
export function maskTokens(
  { inputIds, units }: MaskableText,
  options: MaskOptions,
): { readonly inputIds: Int32Array; readonly labels: Int32Array } {
  const random = new RandomStream('mask', options.seed, options.epoch, options.index)
  const members = new Map<number, number[]>()
  let maskable = 0
  units.forEach((unit, at) => {
    if (unit < 0) return
    maskable++
    const list = members.get(unit)
    if (list === undefined) members.set(unit, [at])
    else list.push(at)
  })
  const wanted = Math.max(1, Math.round(maskable * options.probability))
  const order = [...members.values()]
  random.shuffle(order)
  const ids = inputIds.slice()
  const labels = new Int32Array(ids.length).fill(ignoredLabel)
  let picked = 0
  for (const unit of order) {
    if (picked >= wanted) break
    // A long word would go past the part asked for, but one word has to be picked.
    if (picked > 0 && picked + unit.length > wanted) continue
    picked += unit.length
    for (const at of unit) {
      labels[at] = inputIds[at] ?? ignoredLabel
      const draw = random.nextBelow(10)
      if (draw < 8) ids[at] = options.maskTokenId
      else if (draw === 8) ids[at] = options.replacements[random.nextBelow(options.replacements.length)] ?? 0
    }
  }
  return { inputIds: ids, labels }
}
