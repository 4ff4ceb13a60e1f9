import { describe, expect, test } from 'vitest'
import { gpus, productPeak } from '../../../bench/cuda/gpus.js'
import { kernelClasses } from '../../../bench/cuda/kernel-class.js'
import { launchSeconds, predictKernel, predictStep } from '../../../bench/cuda/roofline.js'

const none = { products: 0, attention: 0, elements: 0, bytes: 0 }
const { a100, h100 } = gpus

describe('a kernel on paper', () => {
  test('with much work takes what its products take at their part of the peak', () => {
    const cost = { ...none, op: 'linear', products: 1e12, bytes: 1e8 }
    expect(predictKernel(cost, 'bf16', a100)).toEqual({
      seconds: 1e12 / (312e12 * a100.attainable.products) + launchSeconds,
      bound: 'products',
    })
  })

  test('with much data takes what its bytes take', () => {
    const cost = { ...none, op: 'add', elements: 1e6, bytes: 1e9 }
    expect(predictKernel(cost, 'bf16', h100)).toEqual({
      seconds: 1e9 / (3350e9 * h100.attainable.bandwidth) + launchSeconds,
      bound: 'memory',
    })
  })

  test('with little of both takes a launch', () => {
    expect(predictKernel({ ...none, op: 'scale', bytes: 100 }, 'f32', a100).bound).toBe('launches')
    const many = predictKernel({ ...none, op: 'adamw', bytes: 100, launches: 200 }, 'f32', a100)
    expect(many.bound).toBe('launches')
    expect(many.seconds).toBeGreaterThan(200 * launchSeconds)
  })

  test('in float32 takes three products of TensorFloat-32', () => {
    expect(productPeak(a100, 'f32')).toBe(156e12 / 3)
    const cost = { ...none, op: 'linear', products: 1e13 }
    const [narrow, wide] = (['bf16', 'f32'] as const).map(
      (dtype) => predictKernel(cost, dtype, a100).seconds - launchSeconds,
    )
    expect(wide! / narrow!).toBeCloseTo(6, 9)
  })

  test('attention has shares of its own, forward and backward, and its exponentials in them', () => {
    const work = { ...none, attention: 1e12, elements: 1e12 }
    const forward = predictKernel({ ...work, op: 'attention' }, 'bf16', a100)
    const backward = predictKernel({ ...work, op: 'attention_backward' }, 'bf16', a100)
    expect(forward.seconds).toBeCloseTo(1e12 / (312e12 * a100.attainable.attention) + launchSeconds, 12)
    expect(backward.seconds).toBeCloseTo(1e12 / (312e12 * a100.attainable.attentionBackward) + launchSeconds, 12)
  })
})

test('a step is the sum of its kernels, by class', () => {
  const costs = [
    { ...none, op: 'linear', products: 1e12 },
    { ...none, op: 'attention', attention: 1e11 },
    { ...none, op: 'rms_norm', elements: 5, bytes: 1e9, launches: 2 },
  ]
  const step = predictStep(costs, 'bf16', a100)
  const seconds = costs.map((cost) => predictKernel(cost, 'bf16', a100).seconds)
  expect(step.seconds).toBeCloseTo(
    seconds.reduce((sum, each) => sum + each, 0),
    12,
  )
  expect(step).toMatchObject({ flops: 1e12 + 1e11 + 5, kernels: 4 })
  expect(step.byClass).toMatchObject({ products: seconds[0], attention: seconds[1], memory: seconds[2] })
  expect(Object.keys(step.byClass)).toEqual([...kernelClasses])
})
