import { describe, expect, test, vi } from 'vitest'
import { tinyModel } from '../tiny-model.js'
import { defineModel } from '../../lib/models/index.js'
import { settleModelOptions } from '../../lib/models/model-options.js'
import { fixtureConfig, tinyGpt2, tinyLlama } from './fixture-models.js'
import { refusal } from '../refusal.js'

const refused = (config: Record<string, unknown>) => refusal(() => defineModel(config))

describe('configurations', () => {
  test('of the golden models are read', () => {
    expect(defineModel(fixtureConfig('gpt2'))).toMatchObject({ vocabularySize: 384, maxPositions: 64, tied: true })
    expect(defineModel(fixtureConfig('llama'))).toMatchObject({ vocabularySize: 400, maxPositions: 256, tied: false })
  })

  test('of an unknown type are refused with the list of those supported', () => {
    expect(refused({ model_type: 'gpt22' })).toMatchObject({
      code: 'unsupported-architecture',
      message: expect.stringMatching(/"gpt22".*Did you mean "gpt2".*Supported: gpt2, llama/) as string,
    })
    expect(refused({})).toMatchObject({ code: 'unsupported-architecture' })
    expect(refused({ ...tinyGpt2, architectures: ['GPT2DoubleHeadsModelForAll'] })).toMatchObject({
      code: 'unsupported-architecture',
      where: 'config.json.architectures',
    })
  })

  test.each([
    ['activation_function', { activation_function: 'mish' }],
    ['scale_attn_by_inverse_layer_idx', { scale_attn_by_inverse_layer_idx: true }],
    ['reorder_and_upcast_attn', { reorder_and_upcast_attn: true }],
    ['add_cross_attention', { add_cross_attention: true }],
    ['n_head', { n_head: 5 }],
    ['n_embd', { n_embd: '12' }],
    ['vocab_size', { vocab_size: undefined }],
  ])('GPT-2: %s', (field, change) => {
    expect(refused({ ...tinyGpt2, ...change })).toMatchObject({ code: 'invalid-config', where: `config.json.${field}` })
  })

  test.each([
    ['hidden_act', { hidden_act: 'swiglu' }],
    ['num_attention_heads', { num_attention_heads: 5 }],
    ['num_key_value_heads', { num_key_value_heads: 2 }],
    ['pad_token_id', { pad_token_id: 37 }],
    ['rope_scaling.rope_type', { rope_scaling: { rope_type: 'zigzag', factor: 2 } }],
    ['rope_parameters.rope_type', { rope_parameters: { rope_type: 'zigzag', rope_theta: 1e4 } }],
    ['rope_scaling.factor', { rope_scaling: { type: 'linear' } }],
  ])('Llama: %s', (field, change) => {
    expect(refused({ ...tinyLlama, ...change })).toMatchObject({
      code: 'invalid-config',
      where: `config.json.${field}`,
    })
  })
})

describe('options', () => {
  test('have defaults', () => {
    expect(settleModelOptions({})).toEqual({
      device: 'auto',
      dtype: 'f32',
      dropout: undefined,
      labelSmoothing: 0,
      threads: 0,
      seed: 0,
      instructionSet: '',
      adapter: undefined,
      newHead: false,
      addTokens: [],
      request: { task: undefined, problemType: undefined, labels: undefined, pooling: undefined, normalize: undefined },
    })
    expect(settleModelOptions({ dropout: false }).dropout).toBe(0)
    expect(settleModelOptions({ dropout: true }).dropout).toBeUndefined()
    expect(settleModelOptions({ dropout: 0.25 }).dropout).toBe(0.25)
  })

  test.each([
    ['an unknown name', { dtyp: 'f32' }, 'options.dtyp', /Did you mean "dtype"/],
    ['an unknown dtype', { dtype: 'f64' }, 'options.dtype', /"f32"/],
    ['a dropout of 1', { dropout: 1 }, 'options.dropout', /./],
    ['an unknown task', { task: 'causal' }, 'options.task', /causal-lm/],
  ])('refuse %s', (_, options, where, message) => {
    expect(refusal(() => settleModelOptions(options as object))).toMatchObject({
      code: 'invalid-option',
      where,
      message: expect.stringMatching(message) as string,
    })
  })

  test('a device that there is not is refused when the model is made', async () => {
    vi.stubEnv('ATTUNE_CUDA_DRIVER', '/nowhere/libcuda.so')
    await expect(tinyModel({ device: 'cuda' })).rejects.toMatchObject({ code: 'unsupported-device', where: 'device' })
    vi.unstubAllEnvs()
  })
})
