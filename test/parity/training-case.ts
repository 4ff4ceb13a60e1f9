/** Runs a training case: logits, loss and every gradient at the start, the losses of the steps, the weights after them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Model } from '../../lib/models/model.js'
import type { Tensor } from '../../lib/models/tensor.js'
import { ragged, readCase, realRows, type Root, type TrainingCase } from './golden-case.js'
import { Bounds, readTensors } from './tensors.js'

/** Violated bounds, and how much was compared. */
export interface Outcome {
  readonly violations: readonly string[]
  readonly compared: number
}

export async function runTrainingCase(root: Root, id: string): Promise<Outcome> {
  const given = readCase<TrainingCase>(root, id)
  const expectedFile = join(root.folder, id, 'expected.safetensors')
  const tensors = existsSync(expectedFile) ? readTensors(expectedFile) : new Map<string, Tensor>()
  await using model = await Model.load(join(root.folder, given.model), {
    ...(given.task === undefined ? {} : { task: given.task }),
    ...(given.problem_type === undefined ? {} : { problemType: given.problem_type }),
    dropout: false,
    labelSmoothing: given.label_smoothing ?? 0,
    ...(given.adapter === undefined ? {} : { adapter: join(root.folder, id, given.adapter) }),
  })
  model.setTrainable(given.trainable)
  const bounds = new Bounds()
  const steps = given.steps_of_micro_batches ?? (given.batches ?? []).map((batch) => [batch])
  await compareStart(model, given, steps[0]!, tensors, bounds)

  const start = new Map<string, Tensor>()
  for (const name of afterNames(tensors)) start.set(name, await model.read(name))
  const { betas, eps, weight_decay: weightDecay, clip } = given.optimizer
  const optimizer = model.optimizer({ betas, eps, weightDecay, noDecay: given.no_decay })
  for (const [i, expected] of given.expected.steps.entries()) {
    const batches = steps[i % steps.length]!.map((batch) => ragged(batch, given.task))
    const result = await optimizer.step(batches, { learningRate: expected.lr, maxGradNorm: clip })
    bounds.near(`step ${i} loss`, result.loss, expected.loss, given.tolerance[`steps.${i}.loss`]!.atol)
    bounds.near(`step ${i} norm`, result.gradNorm, expected.grad_norm, given.tolerance[`steps.${i}.grad_norm`]!.atol)
  }
  for (const [name, before] of start) {
    const tolerance = given.tolerance[`after.${name}`]!
    const keep = kept(given.zero_gradient?.[name] ?? [])
    const actual = (await model.read(name)).data.filter(keep)
    const expected = tensors.get(`after.${name}`)!.data.filter(keep)
    bounds.near(`after.${name}`, actual, expected, tolerance.atol)
    const relative = tolerance.rel_l2!
    bounds.nearChange(`after.${name}`, { actual, expected, start: before.data.filter(keep), relative })
  }
  return { violations: bounds.violations, compared: tensors.size }
}

async function compareStart(
  model: Model,
  given: TrainingCase,
  microBatches: NonNullable<TrainingCase['steps_of_micro_batches']>[number],
  tensors: ReadonlyMap<string, Tensor>,
  bounds: Bounds,
): Promise<void> {
  const { tolerance, expected } = given
  const [first] = microBatches
  const logits = tensors.get('logits')
  if (logits !== undefined && first !== undefined) {
    const wanted = realRows(logits, first, given.task)
    const actual = (await model.forward(ragged(first, given.task))).logits.data.subarray(0, wanted.length)
    bounds.near('logits', actual, wanted, tolerance.logits!.atol)
  }
  const parts = []
  for (const batch of microBatches) parts.push(await model.gradients(ragged(batch, given.task)))
  // Over several micro-batches the mean is that of all their tokens together.
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0)
  const loss = parts.reduce((sum, part) => sum + (part.loss * part.tokens) / tokens, 0)
  bounds.near('loss', loss, expected.loss, tolerance.loss!.atol)
  let squares = 0
  for (const name of parts[0]!.gradients.keys()) {
    const total = new Float32Array(parts[0]!.gradients.get(name)!.data.length)
    for (const part of parts) {
      part.gradients.get(name)!.data.forEach((value, i) => (total[i]! += (value * part.tokens) / tokens))
    }
    squares += total.reduce((sum, value) => sum + value * value, 0)
    const wanted = tensors.get(`grad.${name}`)
    if (wanted !== undefined) bounds.near(`grad.${name}`, total, wanted.data, tolerance[`grad.${name}`]!.atol)
  }
  bounds.near('grad_norm', Math.sqrt(squares), expected.grad_norm, tolerance.grad_norm!.atol)
  for (const name of tensors.keys()) {
    if (name.startsWith('grad.') && !parts[0]!.gradients.has(name.slice(5))) bounds.violations.push(`${name}: missing`)
  }
}

function afterNames(tensors: ReadonlyMap<string, Tensor>): string[] {
  return [...tensors.keys()].filter((name) => name.startsWith('after.')).map((name) => name.slice('after.'.length))
}

/** Leaves out the elements in the ranges. */
function kept(ranges: readonly (readonly [number, number])[]): (value: number, i: number) => boolean {
  return (_, i) => !ranges.some(([start, end]) => i >= start && i < end)
}
