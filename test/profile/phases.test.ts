import { expect, test } from 'vitest'
import { phaseSeconds, phasesOf } from '../../lib/profile/phases.js'
import { kernelSeconds } from '../../lib/profile/profile.js'
import { countingRows, tinyModel } from '../tiny-model.js'

const span = (op: string, path = 'model') => ({ op, path, begin: 0, seconds: 1, flops: 0, bytes: 0 })

test('micro-batches go forward to the loss and back, and the update comes last', () => {
  const pass = [
    ...['embedding', 'linear', 'linear_cross_entropy'].map((op) => [op, 'forward'] as const),
    ...['linear_weight_gradient', 'linear', 'embedding_backward'].map((op) => [op, 'backward'] as const),
  ]
  const update = [span('squared_sum', 'optimizer'), span('adamw', 'optimizer')]
  const kernels = [...pass, ...pass].map(([op]) => span(op))
  const expected = [...pass, ...pass].map(([, phase]) => phase)
  expect(phasesOf({ kernels: [...kernels, ...update, span('linear')] })).toEqual([
    ...expected,
    'optimizer',
    'optimizer',
    'forward',
  ])
  expect(phaseSeconds({ kernels: [...kernels, ...update] })).toEqual({ forward: 6, backward: 6, optimizer: 2 })
})

test("a step's kernels are of all phases, whose seconds are all kernels'", async () => {
  await using model = await tinyModel()
  const optimizer = model.optimizer()
  const [first, second] = [countingRows(2), countingRows(3, 2)].map((rows) => ({
    inputIds: rows.map(({ inputIds }) => inputIds),
    labels: rows.map(({ labels }) => labels),
  }))
  const { profile } = await model.profile(() => optimizer.step([first!, second!]))
  const phases = phasesOf(profile)
  const changes = phases.filter((phase, i) => phase !== phases[i - 1])
  expect(changes).toEqual(['forward', 'backward', 'forward', 'backward', 'optimizer'])
  const seconds = phaseSeconds(profile)
  expect(seconds.forward + seconds.backward + seconds.optimizer).toBeCloseTo(kernelSeconds(profile), 9)
  // What goes by its name into the backward pass must be counted there.
  profile.kernels.forEach(({ op }, i) => {
    if (/_backward$|_gradient$/.test(op)) expect(phases[i], op).toBe('backward')
  })
})
