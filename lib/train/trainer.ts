import { join } from 'node:path'
import type { EncodedExample } from '../data/prepare-data.js'
import { AttuneError } from '../errors.js'
import { measureLoss } from '../evaluate/loss.js'
import type { Batch } from '../models/batch.js'
import type { Model } from '../models/model.js'
import type { Optimizer } from '../models/optimizer.js'
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
import { observe, shouldStop } from './early-stopping.js'
import type { CheckpointEvent, DoneEvent, EvaluationEvent, StepEvent, TrainingEvent, WarningEvent } from './events.js'
import { overfits } from './overfitting.js'
import { prepareRun, type PreparedRun } from './plan.js'
import { decidingOptions, digestExamples } from './run-identity.js'
import { schedule, type Schedule } from './schedules.js'
import {
  settleTrainOptions,
  type SettledTrainOptions,
  type TrainingOptionsWithData,
  type TrainOptions,
} from './train-options.js'
import { logEvent, saveOptions } from './training-log.js'

export interface RunOptions {
  /** Ends the run after the step in progress; where there is an output directory a checkpoint is saved. */
  readonly signal?: AbortSignal | undefined
}

/** Trains a model, or an adapter on it, on rows. Options are checked here, rows and memory when `run` begins. */
export class Trainer {
  readonly options: SettledTrainOptions
  readonly #model: Model
  readonly #settled: TrainingOptionsWithData
  #started = false

  constructor(model: Model, options: TrainOptions) {
    this.#model = model
    this.#settled = settleTrainOptions(options)
    this.options = this.#settled
  }

  /**
   * Trains, and reports what happens: 'start' first, 'done' last. Leaving the loop early ends the run without saving.
   * @throws AttuneError 'aborted' when the signal says so, after saving: `where` is the checkpoint to resume from and
   * `cause` the signal's reason; 'nan-loss', with the weights as before that step; and what refuses to start:
   * 'empty-dataset', 'all-labels-masked', 'sequence-too-long', 'invalid-checkpoint', …
   */
  async *run({ signal }: RunOptions = {}): AsyncGenerator<TrainingEvent, void, void> {
    if (this.#started)
      throw new AttuneError('invalid-option', 'a Trainer runs once: make another for another run', { where: 'trainer' })
    this.#started = true
    if (signal?.aborted === true)
      throw new AttuneError('aborted', 'training was aborted before it began', { cause: signal.reason })
    const run = await Run.prepare(this.#model, this.#settled, signal)
    const { output } = this.#settled
    try {
      for await (const event of run.events()) {
        if (output !== undefined) await logEvent(output, event)
        yield event
      }
    } finally {
      run.dispose()
    }
  }
}

/** One run's state. `events` is the whole course of it. */
class Run {
  readonly #model: Model
  readonly #options: SettledTrainOptions
  readonly #signal: AbortSignal | undefined
  readonly #prepared: PreparedRun
  readonly #optimizer: Optimizer
  readonly #rate: Schedule
  readonly #best: BestState
  readonly #checkpoints: string | undefined
  #state: CheckpointState
  #resumedFrom: string | undefined
  #savedStep = 0

  private constructor(
    model: Model,
    options: SettledTrainOptions,
    prepared: PreparedRun,
    signal: AbortSignal | undefined,
  ) {
    const { output, betas, eps, weightDecay, seed } = options
    this.#model = model
    this.#options = options
    this.#signal = signal
    this.#prepared = prepared
    const { learningRate, warmupSteps, steps: totalSteps } = prepared.plan
    this.#rate = schedule(options.schedule, { learningRate, warmupSteps, totalSteps })
    this.#optimizer = model.optimizer({ learningRate, betas, eps, weightDecay })
    this.#checkpoints = output === undefined ? undefined : join(output, 'checkpoints')
    this.#best =
      this.#checkpoints === undefined
        ? bestInMemory(model)
        : bestInFile(model, join(this.#checkpoints, 'best.safetensors'))
    this.#state = {
      step: 0,
      epoch: 0,
      random: { seed, draw: 0 },
      options: decidingOptions(options, model),
      data: digestExamples(prepared.train.examples),
      evaluated: -1,
      best: null,
      earlyStopping: { best: null, waited: 0 },
      history: [],
      running: { evaluationLoss: 0, evaluationSteps: 0, epochLoss: 0, epochSteps: 0, tokens: 0, seconds: 0 },
      finished: false,
    }
  }

  static async prepare(model: Model, options: TrainingOptionsWithData, signal: AbortSignal | undefined): Promise<Run> {
    const run = new Run(model, options, await prepareRun(model, options, signal), signal)
    model.randomState = run.#state.random
    return run
  }

  dispose(): void {
    this.#optimizer.dispose()
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
      stoppedEarly = earlyStopping !== undefined && shouldStop(this.#stopping, earlyStopping) && step < steps
      if (stoppedEarly || step >= steps) break
      if (this.#isDue(this.#options.checkpointEvery) && step !== this.#savedStep) yield* this.#checkpoint('interval')
      if (this.#signal?.aborted === true) yield* this.#abort()
      yield await this.#step()
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
    await this.#model.loadTrainable(join(path, weightsFile))
    await this.#optimizer.load(join(path, optimizerFile))
    this.#optimizer.steps = state.step
    this.#model.randomState = state.random
    this.#state = state
    this.#resumedFrom = path
    this.#savedStep = state.step
    return undefined
  }

  async #step(): Promise<StepEvent> {
    const { step, running } = this.#state
    const { examples } = this.#prepared.train
    const { maxGradNorm, labelSmoothing } = this.#options
    const batches = this.#prepared.steps.microBatches(step).map((indices) => batchOf(examples, indices))
    const learningRate = this.#rate(step)
    const start = performance.now()
    const result = await this.#optimizer
      .step(batches, { learningRate, maxGradNorm, labelSmoothing })
      .catch((error: unknown) => {
        throw this.#explained(error)
      })
    const seconds = (performance.now() - start) / 1000
    const tokens = batches.reduce((sum, { inputIds }) => sum + inputIds.reduce((rows, row) => rows + row.length, 0), 0)
    const beginsEpoch = step % this.#prepared.plan.stepsPerEpoch === 0
    this.#state = {
      ...this.#state,
      step: step + 1,
      epoch: this.#prepared.steps.epochAfter(step + 1),
      random: this.#model.randomState,
      running: {
        evaluationLoss: running.evaluationLoss + result.loss,
        evaluationSteps: running.evaluationSteps + 1,
        epochLoss: (beginsEpoch ? 0 : running.epochLoss) + result.loss,
        epochSteps: (beginsEpoch ? 0 : running.epochSteps) + 1,
        tokens: running.tokens + tokens,
        seconds: running.seconds + seconds,
      },
    }
    return {
      type: 'step',
      step: step + 1,
      steps: this.#prepared.plan.steps,
      epoch: this.#state.epoch,
      loss: result.loss,
      learningRate,
      gradNorm: result.gradNorm,
      tokens,
      labelledTokens: result.tokens,
      tokensPerSecond: tokens / seconds,
      seconds,
      memory: this.#model.memory().total,
    }
  }

  async *#evaluate(): AsyncGenerator<EvaluationEvent | WarningEvent, void, void> {
    const { validation } = this.#prepared
    if (validation === undefined) return
    const start = performance.now()
    // No more tokens at once than a training batch has: the arena is that large already.
    const tokensPerBatch = this.#prepared.plan.largestBatch.tokens
    const measured = await measureLoss(this.#model, validation.examples, { tokensPerBatch, signal: this.#signal })
    const { step, epoch, running, best } = this.#state
    const isBest = best === null || measured.loss < best.loss
    if (isBest) {
      await this.#best.keep()
      if (this.#options.output !== undefined) await this.#model.save(join(this.#options.output, 'best'))
    }
    const training = running.evaluationLoss / Math.max(1, running.evaluationSteps)
    const { earlyStopping } = this.#options
    const stopping =
      earlyStopping === undefined ? this.#stopping : observe(this.#stopping, measured.loss, earlyStopping)
    this.#state = {
      ...this.#state,
      evaluated: step,
      best: isBest ? { step, loss: measured.loss } : best,
      earlyStopping: { best: Number.isFinite(stopping.best) ? stopping.best : null, waited: stopping.waited },
      history: [...this.#state.history, { training, validation: measured.loss }],
      running: { ...running, evaluationLoss: 0, evaluationSteps: 0 },
    }
    const seconds = (performance.now() - start) / 1000
    yield { type: 'evaluation', step, epoch, ...measured, seconds, best: isBest }
    if (overfits(this.#state.history)) {
      const message =
        'validation loss rises while training loss falls: the model learns its rows by heart. Fewer epochs, a lower rate or more rows help.'
      yield this.#warning('overfitting', message)
    }
  }

  async *#checkpoint(reason: CheckpointEvent['reason']): AsyncGenerator<CheckpointEvent, void, void> {
    if (this.#checkpoints === undefined) return
    const start = performance.now()
    const path = await saveCheckpoint(this.#checkpoints, this.#state, {
      weights: (file) => this.#model.saveTrainable(file),
      optimizer: (file) => this.#optimizer.save(file),
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
      validationLoss: best?.loss,
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

  #explained(error: unknown): unknown {
    if (!(error instanceof AttuneError) || error.code !== 'nan-loss') return error
    const { step } = this.#state
    const saved = this.#savedStep === 0 ? '' : ` The checkpoint of step ${this.#savedStep} is kept.`
    const message = `the loss of step ${step + 1} is not a number; the weights are those after step ${step}.${saved} Try a lower learningRate, more warmupSteps or a smaller maxGradNorm. (${error.message})`
    return new AttuneError('nan-loss', message, { where: `step ${step + 1}`, cause: error })
  }

  get #stopping(): { best: number; waited: number } {
    const { best, waited } = this.#state.earlyStopping
    return { best: best ?? Infinity, waited }
  }

  /** Whether what happens this often is due after the steps done. */
  #isDue(every: 'epoch' | false | number): boolean {
    const { step } = this.#state
    if (step === 0 || every === false) return false
    return every === 'epoch'
      ? this.#prepared.steps.endsEpoch(step)
      : step % every === 0 || step === this.#prepared.plan.steps
  }

  #warning(code: WarningEvent['code'], message: string): WarningEvent {
    return { type: 'warning', code, message, step: this.#state.step }
  }
}

function batchOf(
  examples: readonly EncodedExample[],
  indices: readonly number[],
): Batch & { labels: NonNullable<Batch['labels']> } {
  const rows = indices.map((index) => examples[index] as EncodedExample)
  return { inputIds: rows.map(({ inputIds }) => inputIds), labels: rows.map(({ labels }) => labels) }
}
