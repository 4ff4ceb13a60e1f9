/** Families and heads that the golden cases do not hold, against numbers that transformers gave (see make-cases.py). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import type { Task } from '../../lib/task.js'
import { Bounds } from './tensors.js'

interface TransformersCase {
  readonly task: Task
  readonly input_ids: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[] | number)[]
  readonly loss: number
  /** Rows of real tokens, or texts. */
  readonly logits: readonly (readonly number[])[]
  readonly gradient_norms: Readonly<Record<string, number>>
}

const folder = join(import.meta.dirname, 'transformers')
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

describe('as transformers computes', () => {
  test.each(names)('%s', async (name) => {
    const given = JSON.parse(readFileSync(join(folder, name, 'case.json'), 'utf8')) as TransformersCase
    await using model = await Model.load(join(folder, name), { dropout: false, threads: 2 })
    expect(model.task).toBe(given.task)
    expect(model.initialized).toEqual([])
    const batch = { inputIds: given.input_ids, labels: given.labels }
    const bounds = new Bounds()
    const { logits } = await model.forward(batch)
    const wanted = given.logits.flat()
    const scale = Math.max(...wanted.map(Math.abs))
    bounds.near('logits', logits.data, wanted, 2e-5 * scale + 1e-6)
    const { loss, gradients } = await model.gradients(batch)
    bounds.near('loss', loss, given.loss, 1e-5 * Math.max(1, given.loss))
    const norms = Object.values(given.gradient_norms)
    const largest = Math.max(...norms)
    for (const [parameter, norm] of Object.entries(given.gradient_norms)) {
      const found = gradients.get(parameter)
      if (found === undefined) bounds.violations.push(`${parameter}: no gradient`)
      else bounds.near(parameter, Math.hypot(...found.data), norm, 1e-4 * norm + 1e-6 * largest)
    }
    expect(bounds.violations).toEqual([])
    expect(norms.length).toBeGreaterThan(5)
  })
})
