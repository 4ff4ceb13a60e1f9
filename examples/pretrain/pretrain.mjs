#!/usr/bin/env node
// Step 4: trains the base model from random weights on .cache/train.bin, over attune's step API, and saves it with its card.
//
//   node examples/pretrain/pretrain.mjs --minutes 40          (or --steps 2400: the same steps on any machine)
import { appendFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Model } from 'attune'
import { modelCard } from './model-card.mjs'
import { TokenWindows } from './token-windows.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    cache: { type: 'string', default: join(here, '.cache') },
    model: { type: 'string', default: join(here, '../models/attune-base') }, // config.json and tokenizer; weights are written here
    minutes: { type: 'string', default: '40' }, // the learning rate follows the clock
    steps: { type: 'string' }, // takes precedence over minutes
    batch: { type: 'string', default: '16' }, // windows a step
    length: { type: 'string', default: '256' }, // tokens a window
    'learning-rate': { type: 'string', default: '3e-3' },
    warmup: { type: 'string', default: '100' }, // steps
    'evaluate-every': { type: 'string', default: '100' }, // steps
    'save-every': { type: 'string', default: '5' }, // minutes
    dtype: { type: 'string', default: 'f32' },
    seed: { type: 'string', default: '1' },
  },
})
const number = (name) => {
  const value = Number(values[name])
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} must be a positive number, not ${values[name]}`)
  return value
}
const batchSize = number('batch')
const length = number('length')
const peakLearningRate = number('learning-rate')
const warmup = number('warmup')
const evaluateEvery = number('evaluate-every')
const minutes = number('minutes')
const saveEvery = number('save-every')
const MAX_GRAD_NORM = 1
const BETAS = [0.9, 0.95]
const WEIGHT_DECAY = 0.1

const train = new TokenWindows(join(values.cache, 'train.bin'), { length, seed: number('seed') })
const validation = new TokenWindows(join(values.cache, 'validation.bin'), { length, seed: 0 })
const heldOut = validation.spread(64, batchSize)

const model = await Model.fromConfig(values.model, { seed: number('seed'), dtype: values.dtype })
const parameterCount = [...model.parameters()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
const optimizer = model.optimizer({
  kind: 'adamw',
  learningRate: peakLearningRate,
  betas: BETAS,
  weightDecay: WEIGHT_DECAY,
})

let interrupted = false
process.once('SIGINT', () => {
  interrupted = true
  console.error('stopping after this step; the weights are saved')
})

const logFile = join(values.cache, 'pretrain-log.jsonl')
writeFileSync(logFile, '')
const history = []
const started = performance.now()
const elapsed = () => (performance.now() - started) / 1000
const steps = values.steps ? number('steps') : undefined
let step = 0
let tokensSeen = 0
let lastSave = 0
let final
console.log(
  `${(parameterCount / 1e6).toFixed(2)} M parameters, ${train.tokens} tokens of text, ${batchSize} x ${length} tokens a step`,
)

while (!interrupted && progress() < 1) {
  const begin = performance.now()
  const learningRate = learningRateAt(progress())
  const { loss, gradNorm } = await optimizer.step(train.batch(step, batchSize), {
    learningRate,
    maxGradNorm: MAX_GRAD_NORM,
  })
  const seconds = (performance.now() - begin) / 1000
  step += 1
  tokensSeen += batchSize * length
  const entry = {
    step,
    loss,
    gradNorm,
    learningRate,
    tokensPerSecond: (batchSize * length) / seconds,
    seconds: elapsed(),
  }
  if (!Number.isFinite(loss)) throw new Error(`loss is ${loss} at step ${step}; the last saved weights stand`)

  if (step === 1 || step % evaluateEvery === 0) {
    entry.validationLoss = await validationLoss()
    history.push(entry)
  }
  report(entry)
  if (elapsed() - lastSave > saveEvery * 60) {
    await save()
    lastSave = elapsed()
  }
  final = entry
}
if (final.validationLoss === undefined) {
  final.validationLoss = await validationLoss()
  history.push(final)
  report(final)
}
await save()
await model[Symbol.asyncDispose]()

/** Share of the run that is done: in steps (the same run on any machine), or else in time. */
function progress() {
  return Math.min(1, steps === undefined ? elapsed() / (minutes * 60) : step / steps)
}

/** Linear warm-up, then a cosine over the rest of the run, down to a tenth. */
function learningRateAt(done) {
  if (step < warmup) return (peakLearningRate * (step + 1)) / warmup
  return peakLearningRate * (0.1 + 0.9 * 0.5 * (1 + Math.cos(Math.PI * done)))
}

/** Mean cross-entropy of the held-out tokens. */
async function validationLoss() {
  let sum = 0
  let labels = 0
  for (const batch of heldOut) {
    const { lossSum, tokens } = await model.evaluateBatch(batch)
    sum += lossSum
    labels += tokens
  }
  return sum / labels
}

async function save() {
  await model.save(values.model, { format: 'safetensors', dtype: 'bf16' })
  const card = modelCard({
    parameterCount,
    history,
    tokensSeen,
    corpusTokens: train.tokens,
    minutes: elapsed() / 60,
    settings: {
      batchSize,
      length,
      peakLearningRate,
      warmup,
      betas: BETAS,
      weightDecay: WEIGHT_DECAY,
      maxGradNorm: MAX_GRAD_NORM,
    },
    dtype: values.dtype,
    seed: number('seed'),
    steps: step,
    finished: progress() === 1,
  })
  writeFileSync(join(values.model, 'README.md'), card)
  console.log(`saved ${values.model} at step ${step}`)
}

/** A line in the log a step; a line on the terminal now and then. */
function report(entry) {
  appendFileSync(logFile, JSON.stringify(entry) + '\n')
  const { loss, validationLoss, learningRate, tokensPerSecond, seconds } = entry
  if (entry.step % 20 !== 0 && validationLoss === undefined) return
  const heldOutText = validationLoss === undefined ? '' : `  validation ${validationLoss.toFixed(4)}`
  console.log(
    `step ${entry.step}/${steps ?? '?'}  loss ${loss.toFixed(4)}${heldOutText}  lr ${learningRate.toExponential(2)}  ` +
      `${Math.round(tokensPerSecond)} tokens/s  ${(seconds / 60).toFixed(1)} min`,
  )
}
