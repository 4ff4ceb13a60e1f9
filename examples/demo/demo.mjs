// Fine-tunes the small model of this repository on the questions of an online shop, and shows what that changed.
//   npm run demo            or, with another model: node examples/demo/demo.mjs DIRECTORY
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import cliProgress from 'cli-progress'
import { evaluate, loadDataset, lora, Model, Trainer } from 'attune'
import { columns } from './columns.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const base = process.argv[2] ?? join(root, 'examples', 'models', 'attune-base')
const output = join(root, 'out', 'demo')
const questions = [
  'Where is my parcel?',
  'I want to send my shoes back.',
  'My card was refused. Why?',
  'What is the capital of France?',
]
const watched = process.stdout.isTTY === true
const started = performance.now()
let bar

const bold = (text) => (watched ? `\u001b[1m${text}\u001b[22m` : text)
const dim = (text) => (watched ? `\u001b[2m${text}\u001b[22m` : text)
const say = (text = '') => console.log(text)
const percent = (share) => `${(100 * share).toFixed(1)} %`

if (existsSync(join(base, 'model.safetensors'))) {
  const model = await Model.load(base)
  try {
    process.exitCode = await demo(model)
  } finally {
    model.dispose()
  }
} else {
  console.error(`The base model has no weights: ${join(base, 'model.safetensors')} is missing.`)
  process.exitCode = 1
}

async function demo(model) {
  const train = await loadDataset(join(root, 'examples', 'data', 'customer-service.jsonl'))
  const heldOut = await loadDataset(join(root, 'examples', 'data', 'customer-service.validation.jsonl'))

  say(bold('attune: teach a small language model to answer customers'))
  say(`  model     ${relative(process.cwd(), base) || base}, ${model.hardware} kernels on ${model.threads} threads`)
  say(
    `  training  ${train.length} conversations of an online shop; ${heldOut.length} others are held out and never trained on`,
  )
  say('  method    LoRA: small matrices beside the weights learn, the weights stay as they are')
  say()

  const { metrics: before } = await evaluate(model, heldOut)
  const rightBefore = await rightAnswers(model, heldOut)
  const answersBefore = await answers(model)

  const trainer = new Trainer(model, {
    train,
    validation: heldOut,
    adapter: lora({ rank: 32, alpha: 64, targets: 'all-linear' }),
    epochs: 12,
    batchSize: 4,
    learningRate: 3e-3,
    schedule: 'cosine',
    warmupRatio: 0.05,
    checkpointEvery: false,
    output,
  })
  for await (const event of trainer.run()) show(event)
  say()

  const { metrics: after } = await evaluate(model, heldOut, { baselines: [] })
  const rightAfter = await rightAnswers(model, heldOut)
  say(bold('Held-out conversations'))
  say(dim(columns(['', 'before', 'after'], 14)))
  say(columns(['  loss', before.loss.toFixed(3), after.loss.toFixed(3)], 14))
  say(columns(['  perplexity', before.perplexity.toFixed(1), after.perplexity.toFixed(1)], 14))
  say(columns(['  accuracy', percent(before.accuracy), percent(after.accuracy)], 14))
  say(columns(['  right answers', `${rightBefore} of ${heldOut.length}`, `${rightAfter} of ${heldOut.length}`], 14))
  say()

  const answersAfter = await answers(model)
  const width = Math.max(24, Math.min(56, Math.floor(((process.stdout.columns ?? 100) - 3) / 2)))
  questions.forEach((question, i) => {
    say(bold(`Customer: ${question}`))
    say(columns(['before', 'after'], width))
    say(columns([answersBefore[i] || '(nothing)', answersAfter[i] || '(nothing)'], width))
    say()
  })

  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  const adapter = relative(process.cwd(), output)
  say(`The adapter is in ${adapter}; all of this took ${seconds} s. Ask it yourself:`)
  say(
    `  npx attune generate --chat --model ${relative(process.cwd(), base) || base} --adapter-from ${adapter} "Can I pay later?"`,
  )
  if (after.loss < before.loss) return 0
  console.error(`The held-out loss did not improve: ${before.loss.toFixed(4)} before, ${after.loss.toFixed(4)} after.`)
  return 1
}

/** Questions that are answered word for word as the file answers them; there is one answer to each kind of question. */
async function rightAnswers(model, { rows }) {
  const prompts = rows.map(({ messages }) => messages.slice(0, -1))
  const generated = await model.generateBatch(prompts, { maxNewTokens: 64, batchSize: 32 })
  return generated.filter(({ text }, i) => text.trim() === rows[i].messages.at(-1).content).length
}

async function answers(model) {
  const prompts = questions.map((content) => [{ role: 'user', content }])
  const generated = await model.generateBatch(prompts, { maxNewTokens: 48 })
  return generated.map(({ text }) => text.trim())
}

function show(event) {
  switch (event.type) {
    case 'start': {
      const { parameters, steps, memory } = event
      say(
        `Training ${(parameters.trained / 1e6).toFixed(2)} of ${(parameters.total / 1e6).toFixed(2)} million parameters, ${steps} steps, ${(memory.total / 2 ** 20).toFixed(0)} MiB`,
      )
      break
    }
    case 'step':
      if (watched) {
        bar ??= startBar(event.steps)
        bar.update(event.step, { loss: event.loss.toFixed(3), speed: Math.round(event.tokensPerSecond) })
      } else if (event.step % 20 === 0) say(`  step ${event.step}/${event.steps}  loss ${event.loss.toFixed(3)}`)
      break
    case 'evaluation':
      bar?.stop()
      bar = undefined
      say(
        `  epoch ${event.epoch.toFixed(0)}: held-out loss ${event.loss.toFixed(3)}, accuracy ${percent(event.metrics.accuracy)}`,
      )
      break
    case 'warning':
      bar?.stop()
      bar = undefined
      say(`  note: ${event.message}`)
  }
}

function startBar(steps) {
  const format = '  {bar} {value}/{total}  loss {loss}  {speed} tokens/s  {eta_formatted} left'
  const started = new cliProgress.SingleBar(
    { format, barsize: 30, hideCursor: true, clearOnComplete: true, stream: process.stdout },
    cliProgress.Presets.shades_classic,
  )
  started.start(steps, 0, { loss: '–', speed: '–' })
  return started
}
