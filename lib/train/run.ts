/** One training run, from the first step or a checkpoint to its end. */
import { join } from 'node:path'
import { Dataset } from '../data/dataset.js'
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { bestInFile, bestInMemory, type BestState } from './best-state.js'
import {
  listCheckpoints,
  optimizerFile,
  pruneCheckpoints,
  readCheckpoint,
  requireSameRun,
  saveCheckpoint,
  setAside,
  weightsFile,
  type CheckpointState,
} from './checkpoint.js'
import { improves, observe, shouldStop } from './early-stopping.js'
import type {
  CheckpointEvent,
  DoneEvent,
  EvaluationEvent,
  StepEvent,
  TrainingEvent,
  UnfreezeEvent,
  WarningEvent,
} from './events.js'
import { isDue, timesDue } from './course-counts.js'
import { explainedLoss } from './explained-loss.js'
import { overfits } from './overfitting.js'
import { prepareCourse } from './prepare-course.js'
import type { PreparedCourse } from './prepared-course.js'
import { decidingOptions } from './run-identity.js'
import { afterEvaluation, afterStep, freshState, nullable, numberOrNull, numbers } from './run-state.js'
import type { StepData } from './step-source.js'
import { schedule, type Schedule } from './schedules.js'
import type { StreamTrainOptions } from './stream-options.js'
import type { SettledTrainOptions, TrainingOptionsWithData } from './train-options.js'
import { StagedOptimizer } from './staged-optimizer.js'
import { countParameters } from './trained-parameters.js'
import { saveOptions } from './training-log.js'
import { TimeLeft } from './time-left.js'
import { validate } from './validation.js'

/** One run's state. `events` is the whole course of it. */
export class Run {
  readonly #model: Model
  readonly #options: SettledTrainOptions
  readonly #signal: AbortSignal | undefined
  readonly #prepared: PreparedCourse
  readonly #optimizer: StagedOptimizer
  readonly #rate: Schedule
  readonly #best: BestState
  readonly #checkpoints: string | undefined
  readonly #timeLeft: TimeLeft
  #state: CheckpointState
  #resumedFrom: string | undefined
  #savedStep = 0

  private constructor(
    model: Model,
    options: SettledTrainOptions,
    prepared: PreparedCourse,
    data: string,
    signal: AbortSignal | undefined,
  ) {
    const { output } = options
    this.#model = model
    this.#options = options
    this.#signal = signal
    this.#prepared = prepared
    const { learningRate, warmupSteps, steps: totalSteps } = prepared.plan
    const evaluations = prepared.validation === undefined ? 0 : timesDue(options.evaluateEvery, prepared.source)
    this.#timeLeft = new TimeLeft(totalSteps, evaluations)
    this.#rate = schedule(options.schedule, { learningRate, warmupSteps, totalSteps })
    this.#checkpoints = output === undefined ? undefined : join(output, 'checkpoints')
    this.#state = freshState(options.seed, decidingOptions(options, model), data)
    this.#optimizer = new StagedOptimizer(model, options, {
      learningRate,
      epochOf: (step) => prepared.source.epochOf(step),
    })
    const { trained } = this.#optimizer
    this.#best =
      this.#checkpoints === undefined
        ? bestInMemory(model, trained)
        : bestInFile(model, join(this.#checkpoints, 'best.safetensors'), trained)
  }

  static async prepare(
    model: Model,
    options: TrainingOptionsWithData | StreamTrainOptions,
    signal: AbortSignal | undefined,
  ): Promise<Run> {
    const prepared = await prepareCourse(model, options, signal)
    const run = new Run(model, options, prepared, await prepared.source.digest(), signal)
    model.randomState = run.#state.random
    return run
  }

  dispose(): void {
    this.#prepared.source.close()
    this.#optimizer.optimizer.dispose()
  }

  async *events(): AsyncGenerator<TrainingEvent, void, void> {
    const { output } = this.#options
    const earlier = await this.#resume()
    if (output !== undefined) await saveOptions(output, this.#options)
    yield { type: 'start', ...this.#prepared.plan, step: this.#state.step, resumedFrom: this.#resumedFrom }
    for (const warning of this.#prepared.plan.warnings) yield this.#warning(warning.code, warning.message)
    if (earlier !== undefined)
      yield this.#warning('earlier-run', `the checkpoints of an earlier run were moved to ${earlier}`)

    const { steps } = this.#prepared.plan
    let stoppedEarly = false
    for (;;) {
      const { step } = this.#state
      if (
        this.#isDue(this.#options.evaluateEvery) &&
        this.#prepared.validation !== undefined &&
        this.#state.evaluated !== step
      ) {
        try {
          yield* this.#evaluate()
        } catch (error) {
          if (this.#signal?.aborted === true) yield* this.#abort()
          throw error
        }
      }
      const { earlyStopping } = this.#options
      stoppedEarly = earlyStopping !== undefined && shouldStop(this.#state.earlyStopping, earlyStopping) && step < steps
      if (stoppedEarly || step >= steps) break
      if (this.#isDue(this.#options.checkpointEvery) && step !== this.#savedStep) yield* this.#checkpoint('interval')
      if (this.#signal?.aborted === true) yield* this.#abort()
      yield* this.#unfreeze(this.#optimizer.stageAt(step))
      const data = yield* this.#take(step)
      yield await this.#step(data)
    }
    yield* this.#finish(stoppedEarly)
  }

  /** Takes up a checkpoint, or moves those of an earlier run aside and tells where. */
  async #resume(): Promise<string | undefined> {
    const { resume } = this.#options
    const root = this.#checkpoints
    const path = resume === 'auto' ? (root === undefined ? undefined : (await listCheckpoints(root)).at(-1)) : resume
    if (path === undefined || path === false) {
      return root === undefined || resume === 'auto' ? undefined : setAside(root)
    }
    const state = await readCheckpoint(path)
    requireSameRun(path, state, this.#state.options, this.#state.data)
    await this.#optimizer.enter(this.#optimizer.stageAt(Math.max(0, state.step - 1)))
    await this.#model.loadTrainable(join(path, weightsFile))
    await this.#optimizer.optimizer.load(join(path, optimizerFile))
    this.#optimizer.optimizer.steps = state.step
    this.#prepared.source.resume(state.stream)
    this.#model.randomState = state.random
    this.#state = state
    this.#resumedFrom = path
    this.#savedStep = state.step
    return undefined
  }

  /** The rows of a step. Where they cannot be had, what was learned before is saved first. */
  async *#take(step: number): AsyncGenerator<CheckpointEvent | WarningEvent, StepData, void> {
    const { source } = this.#prepared
    try {
      const data = await source.take(step)
      for (const { code, message } of source.warnings()) yield this.#warning(code, message)
      return data
    } catch (error) {
      if (this.#signal?.aborted === true) yield* this.#abort()
      if (step !== this.#savedStep) yield* this.#checkpoint('aborted')
      throw error
    }
  }

  async #step({ batches, tokens, beginsEpoch, epochAfter }: StepData): Promise<StepEvent> {
    const { step } = this.#state
    const { plan, loss } = this.#prepared
    const learningRate = this.#rate(step)
    const start = performance.now()
    const result = await this.#optimizer.optimizer
      .step(batches, {
        ...loss,
        learningRate: this.#optimizer.rates(learningRate),
        maxGradNorm: this.#options.maxGradNorm,
      })
      .catch((error: unknown) => {
        throw explainedLoss(error, step, this.#savedStep)
      })
    const seconds = (performance.now() - start) / 1000
    this.#state = afterStep(this.#state, {
      loss: result.loss,
      tokens,
      seconds,
      epoch: epochAfter,
      beginsEpoch,
      random: this.#model.randomState,
    })
    return {
      type: 'step',
      step: step + 1,
      steps: plan.steps,
      epoch: this.#state.epoch,
      loss: result.loss,
      learningRate,
      gradNorm: result.gradNorm,
      tokens,
      labelledTokens: result.tokens,
      tokensPerSecond: tokens / seconds,
      seconds,
      secondsLeft: this.#timeLeft.afterStep(step + 1, seconds),
      memory: this.#model.memory().total,
    }
  }

  async *#evaluate(): AsyncGenerator<EvaluationEvent | WarningEvent, void, void> {
    const { validation, metrics: wanted, plan } = this.#prepared
    if (validation === undefined || wanted === undefined) return
    const start = performance.now()
    const { metrics, tokens } = await validate(this.#model, validation.examples, {
      names: wanted.names,
      // No more tokens at once than a training batch has: the arena is that large already.
      tokensPerBatch: plan.largestBatch.tokens,
      rows: this.#options.validation instanceof Dataset ? this.#options.validation.rows : undefined,
      signal: this.#signal,
    })
    const { step, epoch, best } = this.#state
    const value = metrics[wanted.best.name] ?? NaN
    const isBest = best === null || improves(value, best.value, wanted.best)
    if (isBest) {
      await this.#best.keep()
      if (this.#options.output !== undefined) await this.#model.save(join(this.#options.output, 'best'))
    }
    const { earlyStopping } = this.#options
    const stopping = metrics[wanted.stopping.name] ?? NaN
    this.#state = afterEvaluation(this.#state, {
      metrics,
      best: isBest ? { step, value: numberOrNull(value), metrics: nullable(metrics) } : best,
      earlyStopping:
        earlyStopping === undefined
          ? this.#state.earlyStopping
          : observe(this.#state.earlyStopping, stopping, { ...earlyStopping, ...wanted.stopping }),
    })
    const seconds = (performance.now() - start) / 1000
    this.#timeLeft.afterEvaluation(seconds)
    const { loss = NaN, perplexity, accuracy } = metrics
    const usual = { ...(perplexity !== undefined && { perplexity }), ...(accuracy !== undefined && { accuracy }) }
    yield { type: 'evaluation', step, epoch, loss, ...usual, metrics, tokens, seconds, best: isBest }
    if (overfits(this.#state.history)) {
      const message =
        'validation loss rises while training loss falls: the model learns its rows by heart. Fewer epochs, a lower rate or more rows help.'
      yield this.#warning('overfitting', message)
    }
  }

  async *#unfreeze(stage: number): AsyncGenerator<UnfreezeEvent, void, void> {
    if (stage === this.#optimizer.stage) return
    await this.#optimizer.enter(stage)
    const { step, epoch } = this.#state
    const { trained } = countParameters(this.#model)
    yield { type: 'unfreeze', step, epoch, trained, stage: stage + 1, stages: this.#optimizer.stages }
  }

  async *#checkpoint(reason: CheckpointEvent['reason']): AsyncGenerator<CheckpointEvent, void, void> {
    if (this.#checkpoints === undefined) return
    const start = performance.now()
    const stream = await this.#prepared.source.position()
    this.#state = { ...this.#state, stream }
    const path = await saveCheckpoint(this.#checkpoints, this.#state, {
      weights: (file) => this.#model.saveTrainable(file),
      optimizer: (file) => this.#optimizer.optimizer.save(file),
    })
    await pruneCheckpoints(this.#checkpoints, this.#options.keepCheckpoints)
    const { step, epoch } = this.#state
    this.#savedStep = step
    yield { type: 'checkpoint', step, epoch, path, reason, seconds: (performance.now() - start) / 1000 }
  }

  /** Saves where the run stands and throws. */
  async *#abort(): AsyncGenerator<CheckpointEvent, never, void> {
    const { step } = this.#state
    if (step !== this.#savedStep) yield* this.#checkpoint('aborted')
    const path = await this.#newestCheckpoint()
    const advice = path === undefined ? 'nothing was saved, as there is no options.output' : `resume from ${path}`
    throw new AttuneError('aborted', `training was aborted after step ${step}: ${advice}`, {
      ...(path === undefined ? {} : { where: path }),
      cause: this.#signal?.reason,
    })
  }

  async *#finish(stoppedEarly: boolean): AsyncGenerator<TrainingEvent, void, void> {
    const { output, loadBest } = this.#options
    const { step, epoch, best, running } = this.#state
    this.#state = { ...this.#state, finished: true }
    if (this.#options.checkpointEvery !== false && step !== this.#savedStep) yield* this.#checkpoint('end')
    if (loadBest && best !== null && best.step !== step) await this.#best.restore()
    await this.#best.clear()
    if (output !== undefined) await this.#model.save(output)
    const done: DoneEvent = {
      type: 'done',
      step,
      epoch,
      trainLoss: running.epochLoss / Math.max(1, running.epochSteps),
      validationLoss: best?.metrics.loss ?? undefined,
      validationMetrics: best === null ? undefined : numbers(best.metrics),
      bestStep: best?.step,
      reason: stoppedEarly ? 'early-stopping' : 'finished',
      seconds: running.seconds,
      tokens: running.tokens,
      output,
    }
    yield done
  }

  async #newestCheckpoint(): Promise<string | undefined> {
    return this.#checkpoints === undefined ? undefined : (await listCheckpoints(this.#checkpoints)).at(-1)
  }

  /** Whether what happens this often is due after the steps done. */
  #isDue(every: 'epoch' | false | number): boolean {
    return isDue(every, this.#state.step, this.#prepared.source)
  }

  #warning(code: WarningEvent['code'], message: string): WarningEvent {
    return { type: 'warning', code, message, step: this.#state.step }
  }
}
