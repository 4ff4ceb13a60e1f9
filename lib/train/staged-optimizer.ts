/** The optimizer of a run: rates that fall from layer to layer, and layers that join one after another. */
import type { Model } from '../models/model.js'
import type { Optimizer, OptimizerOptions } from '../models/optimizer.js'
import { layersOf } from './layers.js'
import type { SettledTrainOptions } from './train-options.js'
import { trainedNames } from './trained-parameters.js'

type Layers = readonly (readonly string[])[]

/**
 * What is trained at each stage of gradual unfreezing (Howard & Ruder 2018), the last being all of it.
 * @param layers names from the bottom up
 * @param trained what the run trains in the end
 */
export function unfreezingStages(layers: Layers, trained: ReadonlySet<string>, perStage: number): string[][] {
  const present = layers.map((layer) => layer.filter((name) => trained.has(name))).filter(({ length }) => length > 0)
  const stages: string[][] = []
  for (let from = present.length - 1; ; from -= perStage) {
    stages.push(present.slice(Math.max(0, from)).flat())
    if (from <= 0) return stages
  }
}

export class StagedOptimizer {
  readonly optimizer: Optimizer
  /** All that the run trains in the end. */
  readonly trained: readonly string[]
  readonly #model: Model
  readonly #options: SettledTrainOptions
  readonly #learningRate: number
  /** The stage that a step is in, were there as many stages. */
  readonly #stageOf: (step: number) => number
  readonly #layers: Layers
  readonly #stages: Layers
  #stage = 0

  /** Of what is trainable now; with gradual unfreezing less is, afterwards. */
  constructor(
    model: Model,
    options: SettledTrainOptions,
    run: { readonly learningRate: number; readonly epochOf: (step: number) => number },
  ) {
    const { unfreeze } = options
    this.#model = model
    this.#options = options
    this.#learningRate = run.learningRate
    const every = unfreeze?.every
    this.#stageOf = typeof every === 'number' ? (step) => Math.floor(step / every) : run.epochOf
    this.#layers = layersOf(model)
    this.trained = trainedNames(model)
    const trained = new Set(this.trained)
    this.#stages = unfreeze === undefined ? [this.trained] : unfreezingStages(this.#layers, trained, unfreeze.layers)
    if (this.#stages.length > 1) model.setTrainable(this.#stages[0] ?? [])
    this.optimizer = model.optimizer(this.#optimizerOptions())
  }

  get stages(): number {
    return this.#stages.length
  }

  /** From 0. */
  get stage(): number {
    return this.#stage
  }

  /** The stage that a step (from 0) is in. */
  stageAt(step: number): number {
    return Math.min(this.#stageOf(step), this.#stages.length - 1)
  }

  async enter(stage: number): Promise<void> {
    if (stage === this.#stage) return
    this.#model.setTrainable(this.#stages[stage] ?? [])
    await this.optimizer.regroup(this.#optimizerOptions())
    this.#stage = stage
  }

  /** The rate of each group when the highest is this. */
  rates(learningRate: number): number[] {
    return this.optimizer.groups.map((group) => learningRate * (group.learningRate / this.#learningRate))
  }

  #optimizerOptions(): OptimizerOptions {
    const { optim, betas, eps, weightDecay, layerwiseDecay } = this.#options
    const options = { kind: optim, learningRate: this.#learningRate, betas, eps, weightDecay }
    if (layerwiseDecay === 1) return options
    const trained = new Set(trainedNames(this.#model))
    const groups = this.#layers
      .map((layer, index) => ({
        parameters: layer.filter((name) => trained.has(name)),
        learningRate: this.#learningRate * layerwiseDecay ** (this.#layers.length - 1 - index),
      }))
      .filter(({ parameters }) => parameters.length > 0)
    return { ...options, groups }
  }
}
