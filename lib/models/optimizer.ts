import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { NativeOptimizer, OptimizerKind } from '../native.js'
import type { Batch } from './batch.js'
import { checkOptions } from '../check-options.js'
import type { LossOptions } from './task.js'
import { matchNames, type ParameterPattern } from './parameter-selection.js'

/** AdamW (Loshchilov & Hutter 2019), torch's: w ← w·(1 − lr·wd), then w ← w − lr·m̂/(√v̂ + eps). */
export interface AdamWOptions {
  /**
   * 'adamw_8bit' holds the moments of parameters of 4,096 elements and more in a byte each, in blocks of 256 with a scale
   * (Dettmers et al. 2022, arXiv 2110.02861): a quarter of the memory, nearly the same steps.
   * @default 'adamw'
   */
  readonly kind?: OptimizerKind
  /** @default 5e-5 */
  readonly learningRate?: number
  /** @default [0.9, 0.999] */
  readonly betas?: readonly [number, number]
  /** @default 1e-8 */
  readonly eps?: number
  /** @default 0.01 */
  readonly weightDecay?: number
  /** Parameters without weight decay. @default every name with `bias` in it and every norm */
  readonly noDecay?: readonly ParameterPattern[]
}

export interface ParameterGroup {
  readonly parameters: readonly ParameterPattern[]
  readonly learningRate?: number
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly weightDecay?: number
}

export interface OptimizerOptions extends AdamWOptions {
  /** Parameters with settings of their own, first match first; the others take the options above. */
  readonly groups?: readonly ParameterGroup[]
}

export interface StepOptions extends Partial<LossOptions> {
  /** In place of the optimizer's: one rate for all groups, or one per group of `optimizer.groups`. */
  readonly learningRate?: number | readonly number[]
  /** All gradients are scaled by min(1, maxGradNorm / (norm + 1e-6)); 0: no clipping. @default 0 */
  readonly maxGradNorm?: number
}

export interface StepResult {
  /** Mean over the labelled tokens of all the batches, before the step. */
  readonly loss: number
  /** Before clipping. */
  readonly gradNorm: number
  /** Labelled tokens. */
  readonly tokens: number
}

/** A group as it is run: names, with every setting filled in. */
export interface SettledGroup {
  readonly parameters: readonly string[]
  readonly learningRate: number
  readonly betas: readonly [number, number]
  readonly eps: number
  readonly weightDecay: number
}

const settings = {
  learningRate: z.number().min(0).default(5e-5),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  eps: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.01),
}
const pattern = z.union([z.string(), z.instanceof(RegExp)])
const schema = z.strictObject({
  kind: z.enum(['adamw', 'adamw_8bit']).default('adamw'),
  ...settings,
  noDecay: z.array(pattern).optional(),
  groups: z.array(z.looseObject({})).default([]),
})
const groupSchema = z.strictObject({
  parameters: z.array(pattern),
  learningRate: settings.learningRate.unwrap().optional(),
  betas: settings.betas.unwrap().optional(),
  eps: settings.eps.unwrap().optional(),
  weightDecay: settings.weightDecay.unwrap().optional(),
})

/** Sorts the trained parameters into groups. `defaultNoDecay` holds for names when `noDecay` is not given. */
export function settleGroups(
  options: OptimizerOptions,
  trained: readonly string[],
  all: readonly string[],
  defaultNoDecay: (name: string) => boolean,
): SettledGroup[] {
  const checked = checkOptions(schema, options, 'optimizer')
  const { noDecay, groups, learningRate, betas, eps, weightDecay } = checked
  const base = { learningRate, betas, eps, weightDecay }
  if (trained.length === 0) {
    throw new AttuneError('invalid-option', 'Nothing is trainable: call model.setTrainable or add an adapter first.', {
      where: 'optimizer',
    })
  }
  const exempt = noDecay === undefined ? undefined : matchNames(noDecay, all, 'optimizer.noDecay')
  const decays = (name: string) => !(exempt?.has(name) ?? defaultNoDecay(name))
  const left = new Set(trained)
  const result: SettledGroup[] = []
  const place = (names: readonly string[], own: typeof base, ownDecay: boolean) => {
    for (const name of names) left.delete(name)
    const without = ownDecay || own.weightDecay === 0 ? [] : names.filter((name) => !decays(name))
    const rest = names.filter((name) => !without.includes(name))
    if (rest.length > 0) result.push({ ...own, parameters: rest })
    if (without.length > 0) result.push({ ...own, weightDecay: 0, parameters: without })
  }
  groups.forEach((group, i) => {
    const { parameters, ...own } = checkOptions(groupSchema, group, `optimizer.groups[${i}]`)
    const matched = matchNames(parameters, trained, `optimizer.groups[${i}].parameters`)
    const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
    place(
      [...left].filter((name) => matched.has(name)),
      { ...base, ...given },
      own.weightDecay !== undefined,
    )
  })
  place([...left], base, false)
  return result
}

/** What an optimizer needs of its model. */
export interface OptimizerHost {
  readonly native: NativeOptimizer
  readonly kind: OptimizerKind
  readonly groups: readonly SettledGroup[]
  /** Sorts what is trainable now into groups, and takes them up. */
  regroup(options: OptimizerOptions): Promise<readonly SettledGroup[]>
  step(
    batches: readonly Batch[],
    rates: readonly number[],
    options: StepOptions,
    stepNumber: number,
  ): Promise<StepResult>
  save(path: string): Promise<void>
  load(path: string): Promise<void>
}

export class Optimizer {
  #steps = 0
  #groups: readonly SettledGroup[]
  readonly #host: OptimizerHost

  /** Made by `model.optimizer()`. */
  constructor(host: OptimizerHost) {
    this.#host = host
    this.#groups = host.groups
  }

  /** Parameters and settings, in the order of `learningRate` lists. */
  get groups(): readonly SettledGroup[] {
    return this.#groups
  }

  /** Steps taken; set it after `load` to go on counting. */
  get steps(): number {
    return this.#steps
  }

  set steps(steps: number) {
    this.#steps = steps
  }

  /** Bytes of the moments. */
  get bytes(): number {
    return this.#host.native.bytes
  }

  /**
   * One step on the mean loss over the labelled tokens of all the batches.
   * @throws AttuneError `nan-loss` when loss or gradients were not finite; no weight was changed then
   */
  async step(batches: Batch | readonly Batch[], options: StepOptions = {}): Promise<StepResult> {
    const list = isBatches(batches) ? batches : [batches]
    const result = await this.#host.step(list, this.#rates(options.learningRate), options, this.#steps)
    this.#steps++
    return result
  }

  /**
   * Goes on with what is trainable now, in groups as these options say: parameters that it had keep their moments, others
   * start afresh, those that are trained no more lose theirs.
   */
  async regroup(options: OptimizerOptions = {}): Promise<void> {
    const { kind } = this.#host
    if ((options.kind ?? kind) !== kind) {
      const message = `Expected ${kind}, as the optimizer was made, but received ${String(options.kind)}: make another optimizer.`
      throw new AttuneError('invalid-option', message, { where: 'optimizer.kind' })
    }
    this.#groups = await this.#host.regroup(options)
  }

  /** Writes both moments, the step counts and the float32 weights, as safetensors. */
  save(path: string): Promise<void> {
    return this.#host.save(path)
  }

  load(path: string): Promise<void> {
    return this.#host.load(path)
  }

  dispose(): void {
    this.#host.native.dispose()
  }

  #rates(given: StepOptions['learningRate']): readonly number[] {
    const { groups } = this
    if (given === undefined) return groups.map((group) => group.learningRate)
    const rates = typeof given === 'number' ? groups.map(() => given) : given
    if (rates.length !== groups.length || !rates.every((rate) => Number.isFinite(rate) && rate >= 0)) {
      throw new AttuneError(
        'invalid-option',
        `Expected one rate or ${groups.length}, from 0 on, but received ${JSON.stringify(given)}.`,
        {
          where: 'learningRate',
        },
      )
    }
    return rates
  }
}

function isBatches(batches: Batch | readonly Batch[]): batches is readonly Batch[] {
  return Array.isArray(batches)
}
