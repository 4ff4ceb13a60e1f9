import { describe, expect, test } from 'vitest'
import { flatten, type Batch } from '../../lib/models/batch.js'
import { defineModel } from '../../lib/models/index.js'
import { labelled, stepInputs } from '../../lib/models/labelled-batch.js'
import { plainLoss } from '../../lib/models/task.js'
import { tinyGpt2 } from './fixture-models.js'
import { refusal } from '../refusal.js'

const limits = defineModel({ ...tinyGpt2, vocab_size: 10, n_positions: 5 })

function targetsOf(batch: Batch) {
  const { rows = new Int32Array(), labels = new Int32Array() } = labelled(batch, limits, plainLoss).inputs
  return { rows, labels }
}

describe('flatten', () => {
  test('lays ragged rows end to end', () => {
    const flat = flatten({ inputIds: [[1, 2, 3], Int32Array.of(4), [5, 6]] }, limits)
    expect([...flat.ids]).toEqual([1, 2, 3, 4, 5, 6])
    expect([...flat.positions]).toEqual([0, 1, 2, 0, 0, 1])
    expect([...flat.cuSeqlens]).toEqual([0, 3, 4, 6])
  })

  test('cuts a packed row where positions begin again', () => {
    const flat = flatten({ inputIds: [[1, 2, 3, 4, 5, 6, 7]], positionIds: [[0, 1, 0, 0, 1, 2, 3]] }, limits)
    expect([...flat.cuSeqlens]).toEqual([0, 2, 3, 7])
    expect([...flat.positions]).toEqual([0, 1, 0, 0, 1, 2, 3])
  })

  test('takes positions that begin later than 0', () => {
    const flat = flatten({ inputIds: [[1, 2]], positionIds: [[3, 4]] }, limits)
    expect([...flat.positions]).toEqual([3, 4])
    expect([...flat.cuSeqlens]).toEqual([0, 2])
  })

  test.each<[string, Batch, string]>([
    ['no rows', { inputIds: [] }, 'batch.inputIds'],
    ['an empty row', { inputIds: [[1], []] }, 'batch.inputIds[1]'],
    ['an id beyond the vocabulary', { inputIds: [[1, 10]] }, 'batch.inputIds[0][1]'],
    ['a negative id', { inputIds: [[-1]] }, 'batch.inputIds[0][0]'],
    ['an id that is no whole number', { inputIds: [[1.5]] }, 'batch.inputIds[0][0]'],
    ['positions of another length', { inputIds: [[1, 2]], positionIds: [[0]] }, 'batch.positionIds[0]'],
    ['too few rows of positions', { inputIds: [[1], [2]], positionIds: [[0]] }, 'batch.positionIds'],
    ['a negative position', { inputIds: [[1]], positionIds: [[-1]] }, 'batch.positionIds[0][0]'],
  ])('refuses %s', (_, batch, where) => {
    expect(refusal(() => flatten(batch, limits))).toMatchObject({ code: 'invalid-batch', where })
  })

  test('names the row, its length and the limit when a text is too long', () => {
    expect(refusal(() => flatten({ inputIds: [[1], [1, 2, 3, 4, 5, 6, 7]] }, limits))).toMatchObject({
      code: 'sequence-too-long',
      where: 'batch.inputIds[1]',
      message: expect.stringMatching(/Row 1 has 7 tokens.* at most 5/) as string,
    })
  })

  test('a packed row may be longer than the model takes, its texts not', () => {
    const inputIds = [[1, 2, 3, 4, 5, 6, 7, 8]]
    expect(flatten({ inputIds, positionIds: [[0, 1, 2, 3, 0, 1, 2, 3]] }, limits).ids).toHaveLength(8)
    expect(() => flatten({ inputIds, positionIds: [[0, 1, 0, 1, 2, 3, 4, 5]] }, limits)).toThrowError(/has 6 tokens/)
    expect(refusal(() => flatten({ inputIds: [[1]], positionIds: [[5]] }, limits))).toMatchObject({
      code: 'sequence-too-long',
    })
  })
})

describe('causal targets', () => {
  test('each token is asked for the label of the next', () => {
    const { rows, labels } = targetsOf({
      inputIds: [
        [1, 2, 3],
        [4, 5],
      ],
      labels: [
        [1, 2, 3],
        [-100, 5],
      ],
    })
    expect([...rows]).toEqual([0, 1, 3])
    expect([...labels]).toEqual([2, 3, 5])
  })

  test('the first token of a packed text is nobody’s target', () => {
    const batch = { inputIds: [[1, 2, 3, 4]], labels: [[1, 2, 3, 4]], positionIds: [[0, 1, 0, 1]] }
    expect([...targetsOf(batch).rows]).toEqual([0, 2])
    expect([...targetsOf(batch).labels]).toEqual([2, 4])
  })

  test('may be none', () => {
    expect(targetsOf({ inputIds: [[1], [2, 3]], labels: [[1], [2, -100]] }).rows).toHaveLength(0)
  })

  test.each<[string, Batch, string]>([
    ['no labels', { inputIds: [[1]] }, 'batch.labels'],
    ['labels of another length', { inputIds: [[1, 2]], labels: [[1]] }, 'batch.labels[0]'],
    ['a label beyond the vocabulary', { inputIds: [[1, 2]], labels: [[1, 10]] }, 'batch.labels[0][1]'],
    ['a label below -100', { inputIds: [[1, 2]], labels: [[1, -101]] }, 'batch.labels[0][1]'],
  ])('refuses %s', (_, batch, where) => {
    expect(refusal(() => targetsOf(batch))).toMatchObject({ code: 'invalid-batch', where })
  })
})

describe('the inputs of a step', () => {
  test('scale every micro-batch by all the labelled tokens', () => {
    const batches = [
      { inputIds: [[1, 2]], labels: [[1, 2]] },
      { inputIds: [[1, 2]], labels: [[1, -100]] },
      { inputIds: [[1, 2, 3, 4]], labels: [[1, 2, 3, 4]] },
    ]
    const { inputs, count } = stepInputs(batches, limits, plainLoss)
    expect(count).toBe(4)
    expect(inputs.map(({ sizes }) => sizes)).toEqual([
      { tokens: 2, sequences: 1, rows: 1 },
      { tokens: 4, sequences: 1, rows: 3 },
    ])
    expect(inputs.map(({ inputs: arrays }) => arrays.loss_scale?.[0])).toEqual([0.25, 0.25])
  })

  test('refuse batches in which every label is masked', () => {
    const masked = { inputIds: [[1, 2]], labels: [[1, -100]] }
    expect(refusal(() => stepInputs([masked], limits, plainLoss))).toMatchObject({ code: 'all-labels-masked' })
    expect(refusal(() => stepInputs([], limits, plainLoss))).toMatchObject({ code: 'all-labels-masked' })
  })

  test('name the micro-batch in errors', () => {
    const good = { inputIds: [[1, 2]], labels: [[1, 2]] }
    expect(refusal(() => stepInputs([good, { ...good, labels: [[1]] }], limits, plainLoss))).toMatchObject({
      where: 'batches[1].labels[0]',
    })
  })

  test('hold what the core declares', () => {
    const { native } = labelled({ inputIds: [[1, 2]], labels: [[1, 2]] }, limits, plainLoss)
    expect(Object.keys(native(1).inputs).sort()).toEqual([
      'cu_seqlens',
      'ids',
      'labels',
      'loss_scale',
      'positions',
      'rows',
    ])
  })
})
