import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { philox, uniform } from '../../lib/generate/philox.js'
import { draw, processLogits, type SamplingOptions } from '../../lib/generate/sampling.js'
import { softmax } from '../../lib/models/probabilities.js'
import { StopStrings } from '../../lib/generate/stop-strings.js'
import { goldenPath, goldensFolder, readGolden } from '../shared-goldens.js'

interface Case {
  readonly history: readonly number[][]
  readonly cases: readonly { readonly options: Readonly<Record<string, number>>; readonly kept: readonly number[] }[]
  readonly tolerance: { readonly probs: { readonly atol: number } }
}

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** Reads float32 tensors without the engine, which is not what is tested here. */
function tensors(path: string): Map<string, { shape: number[]; data: Float32Array }> {
  const file = readFileSync(path)
  const headerLength = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const found = new Map<string, { shape: number[]; data: Float32Array }>()
  for (const [name, info] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const [start, end] = info.data_offsets
    const bytes = Uint8Array.from(file.subarray(8 + headerLength + start, 8 + headerLength + end))
    const data =
      info.dtype === 'F64' ? Float32Array.from(new Float64Array(bytes.buffer)) : new Float32Array(bytes.buffer)
    found.set(name, { shape: info.shape, data })
  }
  return found
}

describe.skipIf(goldensFolder === undefined)('sampling against transformers', () => {
  const golden = goldensFolder === undefined ? undefined : readGolden<Case>('generation', 'sampling', 'case.json')
  const expected =
    golden === undefined
      ? new Map<string, never>()
      : tensors(goldenPath('generation', 'sampling', 'expected.safetensors'))
  golden?.cases.forEach(({ options, kept }, index) => {
    it(JSON.stringify(options), () => {
      const logits = expected.get('logits')
      const probabilities = expected.get(`probs.${index}`)
      if (logits === undefined || probabilities === undefined) throw new Error('tensors missing')
      const vocabulary = logits.shape.at(-1) as number
      const given = Object.fromEntries(Object.entries(options).map(([k, v]) => [camel(k), v])) as SamplingOptions
      golden.history.forEach((history, row) => {
        const actual = softmax(
          processLogits(logits.data.subarray(row * vocabulary, (row + 1) * vocabulary), history, given),
        )
        expect(actual.filter((p) => p > 0).length).toBe(kept[row])
        const wanted = probabilities.data.subarray(row * vocabulary, (row + 1) * vocabulary)
        const scores = Array.from(logits.data.subarray(row * vocabulary, (row + 1) * vocabulary))
        const tolerance = golden.tolerance.probs.atol
        actual.forEach((p, i) => {
          // Among equal logits the filters may keep any.
          if (scores.filter((score) => score === scores[i]).length > 1) return
          expect(Math.abs(p - (wanted[i] as number)), `row ${row}, token ${i}`).toBeLessThanOrEqual(tolerance)
        })
        const sorted = Float64Array.from(wanted).sort()
        Float64Array.from(actual)
          .sort()
          .forEach((p, i) => {
            expect(Math.abs(p - (sorted[i] as number)), `row ${row}, sorted ${i}`).toBeLessThanOrEqual(tolerance)
          })
      })
    })
  })
})

describe('philox', () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  it('gives the published numbers', () => {
    expect(philox([0, 0], [0, 0, 0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
    const ones = 0xffffffff
    expect(philox([ones, ones], [ones, ones, ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
    expect(philox([0xa4093822, 0x299f31d0], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ])
  })

  it('is uniform and depends on seed and draw', () => {
    const values = Array.from({ length: 4000 }, (_, i) => uniform(7, i))
    const mean = values.reduce((a, b) => a + b) / values.length
    // Standard error of the mean of 4000 uniforms is 0.0046.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02)
    expect(uniform(7, 3)).toBe(values[3])
    expect(uniform(8, 3)).not.toBe(values[3])
    expect(uniform(7 + 2 ** 32, 3)).not.toBe(values[3])
  })

  it('draws tokens as often as their probabilities say, and never one of probability 0', () => {
    const counts = [0, 0, 0]
    for (let i = 0; i < 4000; i++) counts[draw(Float64Array.of(0.25, 0, 0.75), 1, i)]!++
    expect(counts[1]).toBe(0)
    expect(Math.abs(counts[0]! / 4000 - 0.25)).toBeLessThan(0.03)
  })
})

describe('stop strings', () => {
  it('holds back what may begin one, across pieces, and shows nothing of it', () => {
    const stops = new StopStrings(['\nUser:', 'END'])
    expect(stops.push('Hello\nUs')).toEqual({ text: 'Hello', stop: undefined })
    expect(stops.push('ual E')).toEqual({ text: '\nUsual ', stop: undefined })
    expect(stops.push('N')).toEqual({ text: '', stop: undefined })
    expect(stops.push('D and more')).toEqual({ text: '', stop: 'END' })
  })

  it('takes the earliest of several and gives back what was held at the end', () => {
    expect(new StopStrings(['b', 'a']).push('xxab')).toEqual({ text: 'xx', stop: 'a' })
    const stops = new StopStrings(['###'])
    expect(stops.push('text##').text).toBe('text')
    expect(stops.flush()).toBe('##')
  })
})
