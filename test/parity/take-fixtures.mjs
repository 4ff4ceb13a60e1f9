// Copies a small part of the golden cases into fixtures/, so that a clone without them proves parity too:
// two models and what they generate, four cases, their losses and norms whole, of the tensors the first row of the logits and small ones.
// node test/parity/take-fixtures.mjs GOLDENS
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const goldens = process.argv[2]
if (goldens === undefined) throw new Error('Give the folder of the golden cases.')
const fixtures = join(dirname(fileURLToPath(import.meta.url)), 'fixtures')

/** Largest gradient, weight after the steps or merged weight to keep. */
const largestTensor = 10_000
/** Repeats of the blocks prove little more than the first. */
const otherBlocks = /\.(?:h|layers)\.[1-9]/

function readSafetensors(path) {
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString())
  delete header.__metadata__
  return Object.entries(header).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [start, end],
      },
    ]) => {
      return { name, dtype, shape, data: bytes.subarray(8 + length + start, 8 + length + end) }
    },
  )
}

function writeSafetensors(path, tensors) {
  const header = { __metadata__: { format: 'pt' } }
  let offset = 0
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, (offset += data.length)] }
  }
  const text = Buffer.from(JSON.stringify(header))
  const padded = Buffer.concat([text, Buffer.alloc(-text.length & 7, ' ')])
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(padded.length))
  writeFileSync(path, Buffer.concat([size, padded, ...tensors.map(({ data }) => data)]))
}

function part(tensor) {
  const { name, shape, data } = tensor
  if (name === 'logits')
    return [{ ...tensor, shape: [1, ...shape.slice(1)], data: data.subarray(0, data.length / shape[0]) }]
  const kept = /^(?:grad|after|merged)\./.test(name) && !otherBlocks.test(name) && data.length <= largestTensor
  return kept ? [tensor] : []
}

function copy(...names) {
  for (const name of names) {
    mkdirSync(dirname(join(fixtures, name)), { recursive: true })
    copyFileSync(join(goldens, name), join(fixtures, name))
  }
}

rmSync(fixtures, { recursive: true, force: true })
for (const model of ['gpt2', 'llama']) {
  copy(`models/${model}/config.json`, `models/${model}/model.safetensors`, `generation/${model}.json`)
}
for (const id of ['training/gpt2', 'training/llama', 'lora/gpt2-attn', 'lora/llama-qv']) {
  const given = JSON.parse(readFileSync(join(goldens, id, 'case.json'), 'utf8'))
  const tensors = readSafetensors(join(goldens, id, 'expected.safetensors')).flatMap(part)
  const names = new Set(tensors.map(({ name }) => name))
  const needed = ([name]) => names.has(name) || !/^(?:grad|after|merged|hidden)\./.test(name)
  const kept = { ...given, sensitivity: undefined }
  kept.tolerance = Object.fromEntries(Object.entries(given.tolerance).filter(needed))
  if (given.adapter !== undefined) copy(`${id}/adapter/adapter_config.json`, `${id}/adapter/adapter_model.safetensors`)
  mkdirSync(join(fixtures, id), { recursive: true })
  writeFileSync(join(fixtures, id, 'case.json'), `${JSON.stringify(kept)}\n`)
  writeSafetensors(join(fixtures, id, 'expected.safetensors'), tensors)
}
