/** Whether a run computes its layers again, and that it learns the same then. */
import { describe, expect, it } from 'vitest'
import { withCheckpointing, type GradientCheckpointing } from '../../lib/train/gradient-checkpointing.js'
import { Trainer } from '../../lib/train/trainer.js'
import { allWeights, countingRows, tinyModel } from '../tiny-model.js'

/** A process that may have 100 bytes. @returns whether layers are computed again, by what the run takes without and with it */
function chosen(
  gradientCheckpointing: GradientCheckpointing,
  without: number,
  again: number,
  memory?: number,
): boolean {
  const planWith = (checkpointing: boolean) => ({
    checkpointing,
    process: { baseline: 0, best: 0, total: checkpointing ? again : without, free: 60, resident: 40 },
  })
  return withCheckpointing({ gradientCheckpointing, memory }, planWith).checkpointing
}

describe('layers are computed again', () => {
  it('as the options say', () => {
    expect(chosen(true, 50, 40)).toBe(true)
    expect(chosen(false, 150, 40)).toBe(false)
  })

  it("by 'auto' where the run does not fit without it", () => {
    expect(chosen('auto', 100, 40)).toBe(false)
    expect(chosen('auto', 101, 40)).toBe(true)
    expect(chosen('auto', 90, 40, 80)).toBe(true)
    // Less, though still too much: what else would help is then told of this.
    expect(chosen('auto', 300, 200)).toBe(true)
    expect(chosen('auto', 300, 300)).toBe(false)
  })
})

it('a run learns the same with it', async () => {
  const learn = async (gradientCheckpointing: boolean) => {
    await using model = await tinyModel({ dropout: 0.1 })
    const trainer = new Trainer(model, { train: countingRows(24), epochs: 2, batchSize: 8, gradientCheckpointing })
    const losses: number[] = []
    for await (const event of trainer.run()) if (event.type === 'step') losses.push(event.loss)
    return { losses, weights: await allWeights(model) }
  }
  const kept = await learn(false)
  expect(kept.losses).toHaveLength(6)
  expect(await learn(true)).toEqual(kept)
})
