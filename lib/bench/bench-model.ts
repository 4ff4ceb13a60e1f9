/** How fast a model trains, is evaluated and writes on this machine. */
import { requireNotAborted } from '../abort.js'
import { AttuneError } from '../errors.js'
import type { Batch } from '../models/batch.js'
import type { Model } from '../models/model.js'
import { settleOptions, type Settled } from '../options.js'
import { countParameters } from '../train/trained-parameters.js'
import { benchOptions, type BenchOptions } from './bench-options.js'
import type { BenchResult, MeasuredGeneration, MeasuredTraining, MeasuredWork, Seconds } from './bench-result.js'
import { isEmulated } from './emulated.js'
import { measureGeneration } from './measure-generation.js'
import { profileSteps } from './profile-steps.js'
import { syntheticBatch } from './synthetic-batch.js'
import { stopped, timeWork } from './time-work.js'

type SettledBench = Settled<typeof benchOptions>

/**
 * Times steps of training, passes of an evaluation and, of language models, writing, on rows of random tokens. What is trained is
 * what the model says: everything, or its adapter. Learning rates are 0, and the model is as before afterwards, to the bit; nothing
 * else may use it meanwhile. Time does not depend on the weights' values: `Model.fromConfig` will do.
 * @throws AttuneError 'invalid-option', 'aborted', 'unsupported-device' on an emulated GPU
 */
export async function benchModel(model: Model, options: BenchOptions = {}): Promise<BenchResult> {
  const settled = settleOptions(benchOptions, options)
  const { definition, task, problemType, dtype, device, hardware, threads } = model
  refuseEmulated(hardware)
  const length = Math.min(settled.maxLength, definition.maxPositions)
  const targetLength = Math.min(settled.maxTargetLength ?? length, definition.maxPositions)
  const batch = syntheticBatch(definition, { rows: settled.batchSize, length, targetLength })
  requireNotAborted(settled.signal, stopped)
  return model.unchanged(async () => {
    const peak = await model.measurePeak()
    const { training, profile } = await measureTraining(model, batch, peak, settled)
    const evaluation = await timeWork(() => model.evaluateBatch(batch), settled)
    const flops = model.work(batch, { pass: 'evaluation' }).total
    return {
      modelType: definition.modelType,
      task,
      problemType,
      dtype,
      parameters: countParameters(model),
      device,
      hardware,
      threads,
      batch: {
        rows: batch.inputIds.length,
        length,
        targetLength: task === 'seq2seq-lm' ? targetLength : undefined,
      },
      peak,
      training,
      evaluation: measuredWork(evaluation, { tokens: tokensOf(batch, model), flops, peak }),
      generation: await measureWriting(model, batch, settled),
      profile,
    }
  })
}

function refuseEmulated(hardware: string): void {
  if (!isEmulated(hardware)) return
  const message = `${hardware}: times on an emulator say nothing of a GPU, so none are measured. Unset ATTUNE_CUDA_DRIVER to use a card, or use device 'cpu'.`
  throw new AttuneError('unsupported-device', message, { where: 'device' })
}

async function measureTraining(
  model: Model,
  batch: Batch,
  peak: number,
  settled: SettledBench,
): Promise<{ readonly training: MeasuredTraining; readonly profile: BenchResult['profile'] }> {
  const optimizer = model.optimizer({ learningRate: 0 })
  const step = () => optimizer.step(batch)
  try {
    const seconds = await timeWork(step, settled)
    const held = { memory: model.memory(), residentBytes: process.memoryUsage.rss() }
    const flops = model.work(batch).total
    const training = { ...measuredWork(seconds, { tokens: tokensOf(batch, model), flops, peak }), ...held }
    const profile = settled.profile ? await profileSteps(model, step, { ...settled, peak }) : undefined
    return { training, profile }
  } finally {
    optimizer.dispose()
  }
}

function measuredWork(
  seconds: Seconds,
  { tokens, flops, peak }: { readonly tokens: number; readonly flops: number; readonly peak: number },
): MeasuredWork {
  const flopsPerSecond = flops / seconds.median
  return {
    seconds,
    tokensPerSecond: tokens / seconds.median,
    flops,
    flopsPerSecond,
    shareOfPeak: flopsPerSecond / peak,
  }
}

/** One sequence alone, then as many as the batch has rows. */
async function measureWriting(
  model: Model,
  { inputIds }: Batch,
  { maxNewTokens, steps, warmup, signal }: SettledBench,
): Promise<MeasuredGeneration[]> {
  const { task, definition } = model
  if (task !== 'causal-lm' && task !== 'seq2seq-lm') return []
  const { maxPositions, decoderStartTokenId } = definition
  const newTokens = Math.max(2, Math.min(maxNewTokens, Math.floor(maxPositions / 2)))
  // A decoder holds the prompt and the answer; the source of an encoder-decoder lies elsewhere.
  const room = decoderStartTokenId === undefined ? maxPositions - newTokens : maxPositions
  const prompts = inputIds.map((row) => Array.from(row).slice(0, room))
  const counts = prompts.length === 1 ? [1] : [1, prompts.length]
  const measured: MeasuredGeneration[] = []
  for (const count of counts) {
    const work = { prompts: prompts.slice(0, count), newTokens, signal }
    // The first tokens reach every kernel there is.
    if (warmup > 0) await measureGeneration(model, { ...work, newTokens: 2 })
    measured.push(await measureGeneration(model, work, steps))
  }
  return measured
}

/** With those of the targets, of sequence to sequence. */
function tokensOf({ inputIds, labels }: Batch, { task }: Model): number {
  const targets = task === 'seq2seq-lm' ? (labels ?? []) : []
  return [...inputIds, ...targets].reduce<number>((sum, row) => sum + (typeof row === 'number' ? 1 : row.length), 0)
}
