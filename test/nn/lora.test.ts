import { describe, expect, test } from 'vitest'
import type { ModuleSpec } from '../../lib/graph/builder.js'
import { lora, placeLora } from '../../lib/nn/lora.js'
import { refusal } from '../refusal.js'

const linear = (path: string): ModuleSpec => ({ path, kind: 'linear', layout: 'out_in', inputs: 4, outputs: 4 })
const modules: ModuleSpec[] = [
  { path: 'model.embed_tokens', kind: 'embedding', layout: 'in_out', inputs: 9, outputs: 4 },
  ...[0, 1].flatMap((i) =>
    ['q_proj', 'v_proj', 'big_v_proj'].map((name) => linear(`model.layers.${i}.self_attn.${name}`)),
  ),
  linear('lm_head'),
]

const isHead = (path: string): boolean => path === 'lm_head'

function placed(options: Parameters<typeof lora>[0]): string[] {
  return [...placeLora(lora(options), modules, isHead).keys()].map((path) => path.replace('model.layers.', ''))
}

describe('targets', () => {
  test.each([
    ['all-linear: every linear but the head', 'all-linear', 6],
    ['a name: the whole last part', 'v_proj', 2],
    ['names', ['q_proj', 'embed_tokens'], 3],
    ['the end of a path', ['1.self_attn.v_proj'], 1],
    ['a pattern over the whole path', 'model\\.layers\\.1\\..*v_proj', 2],
    ['an expression', /v_proj$/g, 4],
  ])('%s', (_, targets, count) => {
    expect(placed({ targets })).toHaveLength(count)
  })

  test('that match nothing are refused with the nearest and what there is', () => {
    expect(refusal(() => placed({ targets: ['q_proj', 'v_prj'] }))).toMatchObject({
      code: 'no-match',
      message: expect.stringMatching(/v_prj.*Did you mean "v_proj".*embed_tokens, q_proj, v_proj/) as string,
    })
    expect(refusal(() => placed({ targets: /k_proj/ }))).toMatchObject({ code: 'no-match' })
    expect(refusal(() => placed({ targets: 'self_attn\\.[qv]_proj' }))).toMatchObject({ code: 'no-match' })
    expect(refusal(() => placed({ targets: 'q_proj(' }))).toMatchObject({ code: 'invalid-option' })
  })

  test('may not be the head', () => {
    expect(() => placed({ targets: ['lm_head'] })).toThrowError(/"lm_head" cannot carry an adapter: it is the head/)
  })
})

test('the scale is alpha / rank, with rslora alpha / √rank, and patterns change both', () => {
  const scales = (options: Parameters<typeof lora>[0]) =>
    [...placeLora(lora({ targets: ['q_proj'], rank: 4, alpha: 6, ...options }), modules, isHead).values()].map(
      ({ rank, scale }) => [rank, scale],
    )
  expect(scales({})).toEqual([
    [4, 1.5],
    [4, 1.5],
  ])
  expect(scales({ rslora: true })).toEqual([
    [4, 3],
    [4, 3],
  ])
  expect(scales({ rankPattern: { '1.self_attn.q_proj': 2 } })).toEqual([
    [4, 1.5],
    [2, 3],
  ])
  expect(scales({ alphaPattern: { 'layers.0.*': 8 } })).toEqual([
    [4, 2],
    [4, 1.5],
  ])
})

test.each([
  ['rank', { rank: 0 }],
  ['rank', { rank: 1.5 }],
  ['alpha', { alpha: 0 }],
  ['dropout', { dropout: 1 }],
  ['init', { init: 'zeros' }],
  ['ranks', { ranks: 3 }],
])('lora refuses %s', (field, options) => {
  expect(refusal(() => lora(options as object))).toMatchObject({ code: 'invalid-option', where: `lora.${field}` })
})
