// How near a plan comes: time and resident memory of runs beside what `plan` said before them. Each in a process of its own.
//   npm run build && node bench/plan-accuracy/run.mjs [case …]
import { median } from 'd3-array'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Model, Trainer, loadDataset, lora, plan } from '../../dist/index.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const base = `${here}../../examples/models/attune-base`
const rowsFile = `${here}../../examples/data/customer-service.jsonl`

const gpt2 = { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], vocab_size: 50257, n_positions: 1024, n_embd: 768, n_layer: 12, n_head: 12 } // prettier-ignore
const bert = { model_type: 'bert', architectures: ['BertForSequenceClassification'], vocab_size: 8000, hidden_size: 256, num_hidden_layers: 4, num_attention_heads: 4, intermediate_size: 1024, max_position_embeddings: 512, type_vocab_size: 2, num_labels: 4 } // prettier-ignore

/** Rows of random tokens, of many lengths; the same in every process. */
function randomRows(count, vocabulary, longest, labelOf) {
  let state = 7
  const next = (below) => (state = (state * 48271) % 2147483647) % below
  return Array.from({ length: count }, () => {
    const inputIds = Int32Array.from({ length: 8 + next(longest - 8) }, () => next(vocabulary))
    return { inputIds, labels: labelOf(inputIds, next) }
  })
}

const customerService = async () => (await loadDataset(rowsFile)).split({ validation: 0.1, seed: 7 })
const cases = {
  'attune-base, whole': async () => ({ model: await Model.load(base), ...(await customerService()), options: { epochs: 3 } }),
  'attune-base, LoRA': async () => ({ model: await Model.load(base), ...(await customerService()), options: { epochs: 3, adapter: lora({ rank: 16 }) } }),
  'GPT-2 124M, random, whole': async () => ({ model: await Model.fromConfig(gpt2), train: randomRows(48, 50257, 96, (ids) => ids), options: { epochs: 1, batchSize: 2 } }),
  'BERT classifier, random': async () => ({ model: await Model.fromConfig(bert), train: randomRows(480, 8000, 128, (_, next) => next(4)), validation: randomRows(64, 8000, 128, (_, next) => next(4)), options: { epochs: 2, batchSize: 8 } }),
} // prettier-ignore

const [mode, name] = process.argv.slice(2)
if (mode === '--plan' || mode === '--run') {
  const { model, train, validation, options } = await cases[name]()
  const run = { ...options, ...(validation === undefined ? {} : { validation }) }
  let result
  if (mode === '--plan') {
    const { seconds, process: memory, flops, steps } = await plan(model, train, run)
    result = { seconds, bytes: memory.total, flops, steps }
  } else {
    const trainer = new Trainer(model, { train, ...run })
    let start
    for await (const event of trainer.run()) if (event.type === 'start') start = performance.now()
    const seconds = (performance.now() - start) / 1000
    result = { seconds, bytes: process.resourceUsage().maxRSS * 1024 }
  }
  console.log(JSON.stringify(result))
  model.dispose()
} else {
  const rounds = 3
  const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(cases)
  const child = (how, which) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), how, which], { encoding: 'utf8', maxBuffer: 2 ** 26 }) // prettier-ignore
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout.trim().split('\n').at(-1))
  }
  // A plan, a run, a plan, a run …: the machine's own pace differs from minute to minute, as the runs' spread shows.
  const turns = chosen.map((which) => ({ which, planned: [], real: [] }))
  for (let round = 0; round < rounds; round++)
    for (const turn of turns) {
      turn.planned.push(child('--plan', turn.which))
      turn.real.push(child('--run', turn.which))
    }
  const all = (results, key, shown) => results.map((result) => shown(result[key])).join(', ')
  const percent = (planned, real) => ((100 * (planned - real)) / real).toFixed(1)
  const off = ({ planned, real }, key) => `${planned.map((plan, i) => percent(plan[key], real[i][key])).join(', ')} | ${percent(median(planned.map((plan) => plan[key])), median(real.map((run) => run[key])))}` // prettier-ignore
  const tenths = (value) => value.toFixed(1)
  const mib = (bytes) => Math.round(bytes / 2 ** 20)
  console.log('| run | steps | TFLOP | planned s | real s | off, % | medians off, % | planned MiB | peak resident MiB | off, % | medians off, % |') // prettier-ignore
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const turn of turns) {
    const { which, planned, real } = turn
    console.log(`| ${which} | ${planned[0].steps} | ${(planned[0].flops / 1e12).toFixed(2)} | ${all(planned, 'seconds', tenths)} | ${all(real, 'seconds', tenths)} | ${off(turn, 'seconds')} | ${all(planned, 'bytes', mib)} | ${all(real, 'bytes', mib)} | ${off(turn, 'bytes')} |`) // prettier-ignore
  }
}
