import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCheckpoint, saveCheckpoint, type CheckpointState } from '../../lib/train/checkpoint.js'

test('a checkpoint keeps that a loss was no number', async () => {
  const root = await mkdtemp(join(tmpdir(), 'attune-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const state: CheckpointState = {
    step: 3,
    epoch: 1,
    random: { seed: 1, draw: 3 },
    options: {},
    data: 'digest',
    evaluated: 3,
    best: null,
    earlyStopping: { best: null, waited: 1 },
    history: [{ training: 0.5, validation: Infinity }],
    running: { evaluationLoss: 0, evaluationSteps: 0, epochLoss: NaN, epochSteps: 3, tokens: 9, seconds: 1 },
    finished: false,
  }
  const empty = (path: string) => writeFile(path, '')
  const path = await saveCheckpoint(root, state, { weights: empty, optimizer: empty })
  const read = await readCheckpoint(path)
  expect(read.history).toEqual([{ training: 0.5, validation: NaN }])
  expect(read.running.epochLoss).toBeNaN()
  expect(read.step).toBe(3)
})
