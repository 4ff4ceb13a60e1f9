/** Attention alone beside PyTorch's scaled_dot_product_attention: the same shapes, bf16, in the same run. */
import { isAbsent, type Absent } from './absent.js'
import { summarize, type Estimate } from './estimate.js'
import { attentionShape, type AttentionShapes } from './kernel-cases.js'
import type { AttentionResult, KernelResult } from './result.js'
import { runPeer, type Torch } from './torch.js'

const dtype = 'bf16'
const ops = { forward: 'attention', backward: 'attention_backward' } as const

/** Seconds of a run in each round. */
type TorchPasses = Readonly<Record<AttentionResult['pass'], readonly number[]>>

/** In the order of the shapes. */
export type TorchAttention = readonly (TorchPasses | Absent)[] | Absent

export function runTorchAttention(
  torch: Torch | Absent,
  shapes: readonly AttentionShapes[],
  rounds: number,
): TorchAttention {
  if (isAbsent(torch)) return torch
  const asked = shapes.map(({ rows, length, heads, headDim, causal }) => ({ rows, length, heads, headDim, causal }))
  const settings = { device: 'cuda', dtype: 'bfloat16', rounds, shapes: JSON.stringify(asked) }
  const run = runPeer<{ shapes: (TorchPasses | Absent)[] }>(torch, 'torch_attention.py', settings)
  return isAbsent(run) ? run : run.shapes
}

/** `turns`: PyTorch's, together one estimate. Shapes that attune did not run are left out. */
export function compareAttention(
  shapes: readonly AttentionShapes[],
  kernels: readonly KernelResult[],
  turns: readonly TorchAttention[],
): AttentionResult[] {
  const named = new Map(kernels.map((kernel) => [kernel.name, kernel]))
  return shapes.flatMap((of, at) =>
    (['forward', 'backward'] as const).flatMap((pass) => {
      const shape = attentionShape(of)
      const kernel = named.get(`${ops[pass]} ${shape} ${dtype}`)
      if (kernel === undefined) return []
      const { length, headDim, causal } = of
      const [ours, theirs] = [kernel.time, estimateOf(turns, at, pass)]
      const speedup = isAbsent(ours) || isAbsent(theirs) ? undefined : theirs.seconds / ours.seconds
      return [{ shape, length, headDim, causal, pass, flops: kernel.attention, ours, theirs, speedup }]
    }),
  )
}

function estimateOf(turns: readonly TorchAttention[], at: number, pass: AttentionResult['pass']): Estimate | Absent {
  const seconds: number[] = []
  for (const turn of turns) {
    const passes = isAbsent(turn) ? turn : (turn[at] ?? { missing: 'PyTorch left this shape out' })
    if (isAbsent(passes)) return passes
    seconds.push(...passes[pass])
  }
  return summarize(seconds) ?? { missing: 'lost in the noise' }
}
