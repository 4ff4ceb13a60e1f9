/** Nothing is timed on an emulated GPU. */
import { expect, test } from 'vitest'
import { benchModel } from '../../lib/index.js'
import { describeCuda } from '../cuda/describe-cuda.js'
import { tinyModel } from '../tiny-model.js'

describeCuda(() => {
  test('attune bench refuses it at once', async () => {
    await using model = await tinyModel({ device: 'cuda' })
    await expect(benchModel(model)).rejects.toMatchObject({
      code: 'unsupported-device',
      message: expect.stringMatching(/emulated on the CPU.*times on an emulator say nothing of a GPU/) as string,
    })
  })
})
