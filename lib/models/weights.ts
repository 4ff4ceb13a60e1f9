/** Checkpoint files of a Hugging Face directory, and which tensor of them fills which parameter. */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { AttuneError } from '../errors.js'
import type { ParameterSpec } from '../graph/builder.js'
import { native, type NativeSafetensors, type NativeSession, type NativeTensorInfo } from '../native.js'
import { readJsonObject } from './json-file.js'
import type { Quantization } from './quantization.js'
import { elementCount, formatShape } from './tensor.js'

export interface StoredTensor {
  readonly file: NativeSafetensors
  readonly info: NativeTensorInfo
}

export interface WeightFiles {
  readonly where: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
  close(): void
}

const floatDtypes = new Set(['f64', 'f32', 'f16', 'bf16'])

/** Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names. */
export async function openWeights(directory: string): Promise<WeightFiles> {
  const whole = join(directory, 'model.safetensors')
  if (existsSync(whole)) return openFiles(directory, [whole])
  const index = join(directory, 'model.safetensors.index.json')
  if (existsSync(index)) return openFiles(directory, await shardsOf(directory, index))
  if (existsSync(join(directory, 'pytorch_model.bin')) || existsSync(join(directory, 'pytorch_model.bin.index.json'))) {
    throw new AttuneError(
      'file-not-found',
      `${directory} holds pytorch_model.bin but no model.safetensors. Convert it: load it in transformers and call save_pretrained, which writes safetensors.`,
      { where: whole },
    )
  }
  throw new AttuneError(
    'file-not-found',
    `There is no model.safetensors (or model.safetensors.index.json) in ${directory}.`,
    {
      where: whole,
    },
  )
}

export function openFiles(where: string, paths: readonly string[]): WeightFiles {
  const files: NativeSafetensors[] = []
  const close = () => {
    for (const file of files) file.close()
  }
  try {
    const tensors = new Map<string, StoredTensor>()
    for (const path of paths) {
      const file = new (native().Safetensors)(path)
      files.push(file)
      for (const info of file.tensors) tensors.set(info.name, { file, info })
    }
    return { where, tensors, close }
  } catch (error) {
    close()
    throw error
  }
}

async function shardsOf(directory: string, index: string): Promise<string[]> {
  const map = (await readJsonObject(index)).weight_map
  if (typeof map !== 'object' || map === null) {
    throw new AttuneError('invalid-file', 'Expected an object "weight_map".', { where: index })
  }
  const shards = [...new Set(Object.values(map as Record<string, unknown>))]
  return shards.map((shard) => {
    if (typeof shard !== 'string' || basename(shard) !== shard) {
      throw new AttuneError('invalid-file', `Expected file names in "weight_map" but found ${JSON.stringify(shard)}.`, {
        where: index,
      })
    }
    const path = join(directory, shard)
    if (!existsSync(path))
      throw new AttuneError('file-not-found', `The index names ${shard}, which is missing.`, { where: path })
    return path
  })
}

export interface AssignOptions {
  /** Whether a parameter may be missing: it is left out of the result then. @default none */
  readonly mayBeMissing?: (name: string) => boolean
  /** Whether a tensor of that name that no parameter takes may be left alone. @default none */
  readonly mayBeLeft?: (name: string) => boolean
  /** Whether a tensor with fewer rows than the parameter will do; `loadParameters` makes the others. @default none */
  readonly mayGrow?: ((name: string) => boolean) | undefined
  /** What to say besides of a wrong shape. @default nothing */
  readonly shapeAdvice?: (name: string) => string
}

/**
 * The tensor of each parameter. `nameOf` gives the parameter that a tensor holds, or undefined for one to be ignored.
 * @throws AttuneError `weights-mismatch` naming every missing, superfluous and wrongly shaped tensor
 */
export function assignWeights(
  parameters: Iterable<ParameterSpec>,
  files: WeightFiles,
  nameOf: (tensor: string) => string | undefined,
  { mayBeMissing, mayBeLeft, mayGrow, shapeAdvice }: AssignOptions = {},
): Map<string, StoredTensor> {
  const byName = new Map<string, StoredTensor>()
  for (const [tensor, stored] of files.tensors) {
    const name = nameOf(tensor)
    if (name !== undefined && (!byName.has(name) || name === tensor)) byName.set(name, stored)
  }
  const assigned = new Map<string, StoredTensor>()
  const problems: string[] = []
  for (const { name, shape } of parameters) {
    const stored = byName.get(name)
    byName.delete(name)
    if (stored === undefined) {
      if (mayBeMissing?.(name) !== true) problems.push(`missing: ${name} ${formatShape(shape)}`)
    } else if (!fits(stored.info.shape, shape, mayGrow?.(name) === true)) {
      const advice = shapeAdvice?.(name) ?? ''
      problems.push(`shape: ${name} should be ${formatShape(shape)} but is ${formatShape(stored.info.shape)}${advice}`)
    } else if (!floatDtypes.has(stored.info.dtype.toLowerCase())) {
      problems.push(`dtype: ${name} should be f32, f16, bf16 or f64 but is ${stored.info.dtype}`)
    } else assigned.set(name, stored)
  }
  for (const [name, { info }] of byName) {
    if (mayBeLeft?.(name) !== true) problems.push(`superfluous: ${name} ${formatShape(info.shape)}`)
  }
  if (problems.length > 0) {
    throw new AttuneError('weights-mismatch', `The weights do not fit the configuration:\n  ${problems.join('\n  ')}`, {
      where: files.where,
    })
  }
  return assigned
}

/** Defines the parameters in the session and fills them from their tensors. */
export async function loadParameters(
  session: NativeSession,
  parameters: Iterable<ParameterSpec>,
  assigned: ReadonlyMap<string, StoredTensor>,
  dtype: 'f32' | 'bf16',
  quantized: ReadonlyMap<string, Quantization> = new Map(),
): Promise<void> {
  for (const { name, shape } of parameters) {
    const stored = assigned.get(name)
    if (stored === undefined) throw new AttuneError('internal', 'a parameter without a tensor', { where: name })
    session.defineParameter(name, shape, quantized.get(name) ?? dtype)
    if (elementCount(stored.info.shape) < elementCount(shape)) {
      await session.writeParameter(name, withMeanRows(stored.file.read(stored.info.name), stored.info.shape, shape))
    } else if (elementCount(shape) > 0) await session.loadParameter(name, stored.file, stored.info.name)
  }
}

function fits(stored: readonly number[], wanted: readonly number[], mayGrow: boolean): boolean {
  if (stored.length !== wanted.length) return false
  return stored.every((size, i) => size === wanted[i] || (i === 0 && mayGrow && size > 0 && size < (wanted[i] ?? 0)))
}

/** The rows there are, and their mean for each that is not. */
function withMeanRows(values: Float32Array, stored: readonly number[], wanted: readonly number[]): Float32Array {
  const [rows = 0] = stored
  const features = values.length / rows
  const mean = new Float64Array(features)
  values.forEach((value, i) => (mean[i % features] = (mean[i % features] ?? 0) + value / rows))
  const grown = new Float32Array(elementCount(wanted))
  grown.set(values)
  for (let at = values.length; at < grown.length; at += features) grown.set(mean, at)
  return grown
}
