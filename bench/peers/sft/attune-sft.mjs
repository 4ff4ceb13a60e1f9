#!/usr/bin/env node
// `--prepare CONFIG`: writes out/rows.json (token ids and labels of real pairs) and out/initial (GPT-2 124M with random weights).
// Without: trains on them for an epoch, as a user does with the typed trainer. Prints one JSON line, the same fields as torch_sft.py.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { encodeDataset, loadDatasetConfig, measureExamples, Model, Trainer } from 'attune'

const here = (path) => new URL(path, import.meta.url)
const read = async (path) => JSON.parse(await readFile(here(path), 'utf8'))
const { values } = parseArgs({
  options: {
    prepare: { type: 'string' },
    threads: { type: 'string', default: '2' },
    dtype: { type: 'string', default: 'f32' }, // f32 | bf16
    optim: { type: 'string', default: 'adamw' },
  },
})
const { pairs, heldOut, batchSize, learningRate, seed, longest } = await read('settings.json')
const ignored = -100

if (values.prepare !== undefined) await prepare(values.prepare)
else await train()

async function prepare(config) {
  const { train: dataset } = await loadDatasetConfig(config)
  const small = await Model.load(here('../../../examples/models/attune-base').pathname)
  const { examples } = await encodeDataset(dataset, await small.tokenizer(), { loss: 'completion' })
  const rows = examples
    .filter(({ inputIds }) => inputIds.length <= longest)
    .slice(0, pairs + heldOut)
    .map(({ inputIds, labels }) => ({ inputIds: [...inputIds], labels: [...labels] }))
  await mkdir(here('out/initial'), { recursive: true })
  await writeFile(here('out/rows.json'), JSON.stringify({ train: rows.slice(0, pairs), test: rows.slice(pairs) }))
  const cases = await read('../cases.json')
  const model = await Model.fromConfig(cases['gpt2-full'].config, { seed })
  await model.save(here('out/initial').pathname)
  small.dispose()
  model.dispose()
}

async function train() {
  const rows = await read('out/rows.json')
  const examples = (list) =>
    list.map(({ inputIds, labels }) => ({ inputIds: Int32Array.from(inputIds), labels: Int32Array.from(labels) }))
  const model = await Model.load(here('out/initial').pathname, { threads: Number(values.threads), dtype: values.dtype })
  const trainer = new Trainer(model, {
    train: examples(rows.train),
    epochs: 1,
    batchSize,
    learningRate,
    optim: values.optim,
    seed,
    weightDecay: 0,
  })
  let begin
  let steps = 0
  for await (const event of trainer.run()) {
    if (event.type === 'start') begin = performance.now()
    if (event.type === 'step') steps++
  }
  const seconds = (performance.now() - begin) / 1000
  const peakRssMib = Math.round(process.resourceUsage().maxRSS / 1024)
  const { metrics } = await measureExamples(model, examples(rows.test), { metrics: ['loss'], tokensPerBatch: 1024 })
  const tokens = rows.train.reduce((sum, { inputIds }) => sum + inputIds.length, 0)
  const labelled = rows.train.reduce((sum, { labels }) => sum + labels.filter((label) => label !== ignored).length, 0)
  const result = {
    engine: 'attune',
    variant: values.optim === 'adamw' ? values.dtype : `${values.dtype}, ${values.optim}`,
    steps,
    tokens,
    labelled,
    paddingShare: 0,
    seconds: round(seconds),
    realTokensPerSecond: round(tokens / seconds),
    peakRssMib,
    heldOutLoss: round(metrics.loss),
  }
  console.log(JSON.stringify(result))
  model.dispose()
}

function round(value) {
  return Number(value.toFixed(3))
}
