import { expect, test } from 'vitest'
import { native } from '../../../dist/native.js'
import { openSession } from '../../../dist/session.js'
import { nameOf } from '../../../bench/cuda/kernel-case.js'
import { kernelCases } from '../../../bench/cuda/kernel-cases.js'
import { costOf, KernelInputs } from '../../../bench/cuda/kernel-program.js'

const cases = kernelCases()

test('every op is there, in both dtypes, and the optimizer', () => {
  const ops = [
    ...native()
      .ops()
      .map(({ name }) => name),
    'adamw',
    'adamw_8bit',
    'squared_sum',
  ]
  for (const dtype of ['bf16', 'f32'] as const) {
    const there = new Set(cases.filter((each) => each.dtype === dtype).map(({ op }) => op))
    expect([...there].sort()).toEqual([...ops].sort())
  }
})

test('names are distinct, and small cases are of the same ops', () => {
  expect(new Set(cases.map(nameOf)).size).toBe(cases.length)
  const opsOf = (list: typeof cases) => new Set(list.map(({ op }) => op))
  expect(opsOf(kernelCases({ small: true }))).toEqual(opsOf(cases))
})

test('attention has every length, head size and mask', () => {
  const shapes = cases
    .filter(({ op, dtype }) => op === 'attention_backward' && dtype === 'bf16')
    .map(({ shape }) => shape)
  for (const length of [512, 1024, 2048, 4096, 8192, 16384]) {
    for (const head of ['32x64', '16x128']) {
      for (const mask of ['causal', 'full']) expect(shapes).toContain(`${16384 / length}x${length} ${head} ${mask}`)
    }
  }
})

test('every case can be compiled, and what it does is counted, without its memory', () => {
  const session = openSession({ device: 'cpu', threads: 1, instructionSet: '', planned: true })
  try {
    for (const definition of cases) {
      const { bytes, products, attention } = costOf(session, definition)
      expect(bytes, nameOf(definition)).toBeGreaterThan(0)
      if (/^linear/.test(definition.op)) expect(products, nameOf(definition)).toBeGreaterThan(0)
      if (/attention/.test(definition.op)) expect(attention, nameOf(definition)).toBeGreaterThan(0)
    }
    const product = cases.find((each) => nameOf(each) === 'linear NT 8192x768x3072 bf16')!
    expect(costOf(session, product)).toMatchObject({
      products: 2 * 8192 * 768 * 3072,
      bytes: 2 * (8192 * 768 + 768 * 3072 + 8192 * 3072),
    })
  } finally {
    session.dispose()
  }
})

test('programs of a kernel differ by its copies alone, so that their difference is what copies take', async () => {
  const session = openSession({ device: 'cpu', threads: 1, instructionSet: '' })
  try {
    for (const definition of kernelCases({ small: true }).filter(({ how = 'copies' }) => how === 'copies')) {
      const inputs = new KernelInputs(session, definition)
      const runs = async (copies: number) => {
        const { program } = await inputs.copies(copies)
        const nodes = program.costs({ sizes: {}, inputs: {} })
        program.dispose()
        return { own: nodes.filter(({ op }) => op === definition.op).length, all: nodes.length }
      }
      const [few, many] = [await runs(1), await runs(3)]
      expect([few.own, many.own], nameOf(definition)).toEqual([1, 3])
      expect(many.all - few.all, nameOf(definition)).toBe(2)
      inputs.dispose()
    }
  } finally {
    session.dispose()
  }
})
