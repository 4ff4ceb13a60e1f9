import { describe, expect, test } from 'vitest'
import { defineModel } from '../../lib/models/index.js'
import { matchNames, selectTrainable } from '../../lib/models/parameter-selection.js'
import { tinyGpt2, tinyLlama } from './fixture-models.js'
import { refusal } from '../refusal.js'

const llama = defineModel(tinyLlama)
const names = [
  'model.embed_tokens.weight',
  ...[0, 1, 10].flatMap((i) => [`model.layers.${i}.self_attn.q_proj.weight`, `model.layers.${i}.mlp.up_proj.weight`]),
  'model.norm.weight',
  'lm_head.weight',
]

describe('patterns over names', () => {
  test.each([
    ['a name', ['model.norm.weight'], ['model.norm.weight']],
    ['a module', ['model.layers.1'], ['model.layers.1.self_attn.q_proj.weight', 'model.layers.1.mlp.up_proj.weight']],
    [
      'a glob',
      ['*.layers.0.*proj.weight'],
      ['model.layers.0.self_attn.q_proj.weight', 'model.layers.0.mlp.up_proj.weight'],
    ],
    [
      'an expression',
      [/layers\.1\d?\.mlp/g],
      ['model.layers.1.mlp.up_proj.weight', 'model.layers.10.mlp.up_proj.weight'],
    ],
  ])('%s', (_, patterns, expected) => {
    expect([...matchNames(patterns, names, 'here')]).toEqual(expected)
  })

  test('one that matches nothing is an error with the nearest name', () => {
    expect(refusal(() => matchNames(['model.norm.weihgt'], names, 'here'))).toMatchObject({
      code: 'no-match',
      where: 'here',
      message: expect.stringContaining('Did you mean "model.norm.weight"?') as string,
    })
    expect(() => matchNames([/nothing/], names, 'here')).toThrowError(/model\.layers\.\*\.mlp\.up_proj\.weight/)
  })
})

describe('what is trained', () => {
  test('all and none', () => {
    expect(selectTrainable('all', names, llama).size).toBe(names.length)
    expect(selectTrainable('none', names, llama).size).toBe(0)
    expect(selectTrainable([], names, llama).size).toBe(0)
  })

  test('the last layers come with the last norm and the head', () => {
    const lastTwo = { ...llama, blockCount: 2 }
    expect([...selectTrainable({ lastLayers: 1 }, names, lastTwo)]).toEqual([
      'model.layers.1.self_attn.q_proj.weight',
      'model.layers.1.mlp.up_proj.weight',
      'model.norm.weight',
      'lm_head.weight',
    ])
    expect(selectTrainable({ lastLayers: 0, head: false }, names, lastTwo)).toEqual(new Set(['model.norm.weight']))
    expect(() => selectTrainable({ lastLayers: 3 }, names, lastTwo)).toThrowError(/0 to 2 layers/)
  })

  test('the head alone; the embedding where they are one', () => {
    expect([...selectTrainable({ head: true }, names, llama)]).toEqual(['lm_head.weight'])
    expect([...selectTrainable({ head: true }, ['transformer.wte.weight'], defineModel(tinyGpt2))]).toEqual([
      'transformer.wte.weight',
    ])
  })
})
