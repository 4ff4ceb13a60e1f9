import { describe, expect, test } from 'vitest'
import { bestProduct, boundPeak } from '../../../bench/cuda/peak-share.js'
import { reportPage } from '../../../bench/cuda/report-page.js'
import { isAbsent } from '../../../bench/cuda/absent.js'
import { madeResult } from './made-result.js'

const result = madeResult()

describe('the page', () => {
  const text = reportPage(result)

  test('has every kernel and step, its reason where there is no figure, and no figure that is none', () => {
    for (const { name } of result.kernels) expect(text).toContain(name)
    for (const { title } of result.steps) expect(text).toContain(title)
    expect(text).toContain('There is no kernel for linear on cuda')
    expect(text).toContain('CUDA out of memory')
    expect(text).toContain('&lt;none&gt;')
    expect(text).not.toMatch(/NaN|undefined|Infinity/)
  })

  test('has attention beside PyTorch, errors of ops, and steps without CUDA graphs', () => {
    expect(text).toContain('<h2>Attention beside PyTorch')
    for (const { shape } of result.attention) expect(text).toContain(`<th scope="row">${shape}</th>`)
    expect(text).toContain('PyTorch: OutOfMemoryError: CUDA out of memory.')
    expect(text).toMatch(/at most 15(\.0)?.?% of what is allowed/)
    expect(text.match(/attune, no graphs<\/td>/g)).toHaveLength(result.steps.length)
  })

  test('needs nothing else', () => {
    expect(text).not.toMatch(/<script|<link|src=|url\(|https?:/)
  })

  test('says what is wrong, and what was not looked at', () => {
    const wrong = { ...result, correctness: { ...result.correctness!, repeatable: { same: false, steps: 3 } } }
    expect(reportPage(wrong)).toContain('two runs of the same training differ')
    expect(reportPage({ ...result, correctness: undefined })).toContain('Not looked at.')
  })

  test('goes without what is missing: nvidia-smi, peaks, PyTorch, kernels, a data sheet', () => {
    const missing = { missing: 'not there' }
    const bare = { ...result, gpu: undefined, peaks: missing, python: missing, kernels: [], attention: [], steps: [] }
    const page = reportPage({ ...bare, device: { kind: 'cuda', hardware: 'NVIDIA T4', products: 'attune' } })
    expect(page).toContain('not there')
    expect(page).not.toMatch(/NaN|undefined|<h2>Roofline/)
  })
})

describe('the peak that bounds a kernel', () => {
  const peaks = { tensor: 3e14, bandwidth: 1e12 }
  const byName = (name: string) => result.kernels.find((kernel) => kernel.name === name)!

  test('is the best product of its dtype', () => {
    const kernel = byName('linear NT 4096x4096x14336 bf16')
    const best = bestProduct(result.kernels, 'bf16')!
    expect(boundPeak(kernel, result.kernels, peaks)).toEqual({ by: 'products', seconds: kernel.products / best })
    const rates = result.kernels.flatMap(({ class: kind, dtype, time, products }) =>
      kind === 'products' && dtype === 'bf16' && !isAbsent(time) ? [products / time.seconds] : [],
    )
    expect(best).toBe(Math.max(...rates))
  })

  test('is the read bandwidth, also where there was no product', () => {
    const kernel = byName('add 4096x4096 bf16')
    expect(boundPeak(kernel, [], peaks)).toEqual({ by: 'memory', seconds: kernel.bytes / 1e12 })
    expect(boundPeak(byName('linear NT 4096x4096x14336 bf16'), [], peaks)).toBeUndefined()
  })
})
