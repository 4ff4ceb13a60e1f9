import { AttuneError } from '../errors.js'
import type { NativeSession } from '../native.js'
import { memorySize } from './memory-size.js'
import { plannedWeights, type PlannedModel } from './planned-memory.js'

/**
 * Refuses weights that a GPU has no memory for, before any are read. A processor's memory is the system's to give.
 * @throws AttuneError 'out-of-memory' with what would need less
 */
export function requireWeightsFit(
  { device, hardware, threads, deviceMemory }: NativeSession,
  { definition, dtype, parameters }: Pick<PlannedModel, 'definition' | 'dtype' | 'parameters'>,
): void {
  if (deviceMemory === undefined) return
  const bytesIn = (held: 'f32' | 'bf16'): number =>
    plannedWeights({ definition, dtype: held, parameters, device, threads, instructionSet: '' })
  const needed = bytesIn(dtype)
  const { free, total } = deviceMemory
  if (needed <= free) return
  const less = [
    ...(dtype === 'f32' ? [`dtype 'bf16' (${memorySize(bytesIn('bf16'))})`] : []),
    ...(definition.quantized.size === 0 ? ["quantization 'int8' or 'nf4', to train adapters"] : []),
    "device 'cpu'",
  ]
  const message = `the weights take ${memorySize(needed)} as ${dtype}, and of the ${memorySize(total)} of the GPU ${hardware} ${memorySize(free)} are free. What would do: ${less.join('; ')}.`
  throw new AttuneError('out-of-memory', message, { where: 'device' })
}
