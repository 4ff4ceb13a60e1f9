import { describe, expect, test, vi } from 'vitest'

import { renderWithAssistantSpans, tokensInSpans } from '../../lib/tokenizer/assistant-spans.js'
import { ChatTemplate, type ChatTemplateOptions } from '../../lib/tokenizer/chat-template.js'
import { jsonDumps } from '../../lib/tokenizer/json-dumps.js'
import type { Message } from '../../lib/tokenizer/message.js'

const talk: Message[] = [
  { role: 'user', content: 'one' },
  { role: 'assistant', content: 'ONE' },
  { role: 'user', content: 'two' },
  { role: 'assistant', content: 'TWO' },
]

function render(source: string, variables: Record<string, unknown> = {}, messages: readonly Message[] = []): string {
  return new ChatTemplate(source).render(messages, { variables })
}

describe('rendering as Python does', () => {
  test.each([
    ['{{ x | tojson }}', '{"b": [1, 2.5, null], "a": "é\\n<"}'],
    ['{{ x | tojson(indent=2) }}', '{\n  "b": [\n    1,\n    2.5,\n    null\n  ],\n  "a": "é\\n<"\n}'],
    ['{{ x | tojson(sort_keys=true) }}', '{"a": "é\\n<", "b": [1, 2.5, null]}'],
    ["{{ x | tojson(separators=(',', ':')) }}", '{"b":[1,2.5,null],"a":"é\\n<"}'],
    ['{{ x | tojson(ensure_ascii=true) }}', '{"b": [1, 2.5, null], "a": "\\u00e9\\n<"}'],
    ['{{ x | tojson(true, none, none, true) }}', '{"a": "\\u00e9\\n<", "b": [1, 2.5, null]}'],
    ['{{ x.b | tojson(indent=0) }}', '[\n1,\n2.5,\nnull\n]'],
    ["{{ {'k': x.b[0]} | tojson }}", '{"k": 1}'],
    ['{{ true | tojson }} {{ none | tojson }} {{ "q" | tojson }} {{ [] | tojson(indent=2) }}', 'true null "q" []'],
  ])('%s', (source, expected) => {
    expect(render(source, { x: { b: [1, 2.5, null], a: 'é\n<' } })).toBe(expected)
  })

  test('numbers and keys as json.dumps writes them', () => {
    expect(jsonDumps([1e-7, 0.00001234, 1e21, -0.5, 1.5e-10])).toBe('[1e-07, 1.234e-05, 1e+21, -0.5, 1.5e-10]')
    expect(jsonDumps({ b: 1, B: 2, ä: 3, a: 4 }, { sort_keys: true })).toBe('{"B": 2, "a": 4, "b": 1, "ä": 3}')
    expect(jsonDumps('\u007f👋', { ensure_ascii: true })).toBe('"\u007f\\ud83d\\udc4b"')
  })

  test('an undefined value is an empty text to string filters, and an error to tojson and +', () => {
    expect(render('[{{ nothing | trim }}{{ nothing | upper }}{{ nothing | length }}]')).toBe('[0]')
    for (const source of ['{{ nothing | tojson }}', "{{ 'a' + nothing }}"]) {
      expect(() => render(source)).toThrow(expect.objectContaining({ code: 'chat-template-failed' }) as Error)
    }
  })

  test('blocks are trimmed, one newline at the end is dropped', () => {
    expect(render('a\n  {% if true %}\nb\n  {% endif %}\nc\n\n')).toBe('a\nb\nc\n')
  })

  test('range, namespace, null keys, special tokens and own variables', () => {
    const source =
      '{% set ns = namespace(n=0) %}{% for i in range(1, 8, 3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}' +
      "{{ 'name' in messages[0] }}{{ tools is none }}{{ eos_token }}{{ extra }}"
    const template = new ChatTemplate(source, { eos_token: '</s>' })
    const text = template.render([{ role: 'user', content: 'x', name: null }], { variables: { extra: '!' } })
    expect(text).toBe('12falsetrue</s>!')
  })

  test('strftime_now writes English names whatever the locale', () => {
    vi.useFakeTimers({ now: new Date(2026, 6, 4, 15, 5, 9) })
    try {
      expect(render("{{ strftime_now('%d %b %Y, %A %B %-d %j %I:%M:%S %p %y %%') }}")).toBe(
        '04 Jul 2026, Saturday July 4 185 03:05:09 PM 26 %',
      )
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('errors', () => {
  test("a template's own message is kept", () => {
    const template = new ChatTemplate("{{ raise_exception('Roles must alternate') }}", {}, 'dir/chat_template.jinja')
    expect(() => template.render([])).toThrow(
      expect.objectContaining({ code: 'chat-template-failed', where: 'dir/chat_template.jinja' }) as Error,
    )
    expect(() => template.render([])).toThrow('Roles must alternate')
  })

  test.each(['{% if %}', '{{ x', '{% generation %}a', '{% nonsense %}'])('%s is no template', (source) => {
    expect(() => new ChatTemplate(source).render([])).toThrow(
      expect.objectContaining({ code: 'invalid-chat-template' }) as Error,
    )
  })

  test('continueFinalMessage needs the text, and excludes the generation prompt', () => {
    const template = new ChatTemplate('{{ messages[0].role }}')
    const failing = (options: ChatTemplateOptions): unknown => template.render(talk, options)
    expect(() => failing({ continueFinalMessage: true })).toThrow(
      expect.objectContaining({ code: 'chat-template-failed' }) as Error,
    )
    expect(() => failing({ continueFinalMessage: true, addGenerationPrompt: true })).toThrow(
      expect.objectContaining({ code: 'invalid-option' }) as Error,
    )
  })
})

const body = "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}"
const tagged = `${body}{% generation %}{{ m.content }}</>{% endgeneration %}{% else %}{{ m.content }}</>{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`
const untagged = tagged.replaceAll(/\{% (end)?generation %\}/g, '')

function said(template: ChatTemplate, messages: readonly Message[], turns?: 'all' | 'last'): string[] {
  const { text, spans } = renderWithAssistantSpans(template, messages, {}, turns)
  return spans.map(([start, end]) => text.slice(start, end))
}

describe('what the assistant wrote', () => {
  test('by generation tags and by prefixes it is the same', () => {
    for (const source of [tagged, untagged]) {
      const template = new ChatTemplate(source)
      expect(template.hasGenerationTags).toBe(source === tagged)
      expect(said(template, talk)).toEqual(['ONE</>', 'TWO</>'])
      expect(said(template, talk, 'last')).toEqual(['TWO</>'])
      expect(said(template, talk.slice(0, 1))).toEqual([])
    }
  })

  test('text that looks like a mark does not disturb the spans', () => {
    const odd = [{ role: 'assistant', content: 'a\uE000<\uE001\uE000>b' }]
    expect(said(new ChatTemplate(tagged), odd)).toEqual(['a\uE000<\uE001\uE000>b</>'])
  })

  test('tags keep their blanks: trimmed blocks and minus signs', () => {
    const source = 'a\n  {% generation %}\nb\n  {% endgeneration %}\nc {%- generation -%} d {%- endgeneration -%} e'
    const { text, spans } = new ChatTemplate(source).renderWithSpans([])
    expect(text).toBe('a\nb\ncde')
    expect(spans.map(([start, end]) => text.slice(start, end))).toEqual(['b\n', 'd'])
  })

  test('a template that closes every conversation with eos', () => {
    const closing = new ChatTemplate(`${untagged}{% if not add_generation_prompt %}{{ eos_token }}{% endif %}`, {
      eos_token: '<|end|>',
    })
    expect(said(closing, talk)).toEqual(['ONE</>', 'TWO</><|end|>'])
  })

  test('a template that writes earlier turns otherwise is refused, but for the last turn', () => {
    const thinking = `${body}{% if loop.last %}<think></think>{% endif %}{% endif %}{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`
    const template = new ChatTemplate(thinking)
    expect(() => said(template, talk)).toThrow(expect.objectContaining({ code: 'invalid-chat-template' }) as Error)
    expect(said(template, talk, 'last')).toEqual(['<think></think>TWO</>'])
  })

  const turn = "{{ '<' + m.role + '>' }}{{ m.content }}</>"
  const prompt = '{% if add_generation_prompt %}<assistant>{% endif %}'
  test.each([
    ['drops earlier turns', `{% for m in messages[-2:] %}${turn}{% endfor %}${prompt}`],
    ['keeps the last turn only', `{% for m in messages[-1:] %}${turn}{% endfor %}${prompt}`],
    ['counts the turns', `{{ messages | length }}{% for m in messages %}${turn}{% endfor %}${prompt}`],
    [
      'trims what is followed by more',
      `{% for m in messages %}<{{ m.role }}>{{ m.content if loop.last else m.content | trim }}</>{% endfor %}${prompt}`,
    ],
    [
      'trims the prompt for the answer',
      `{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}{% if add_generation_prompt %}assistant:  {% endif %}`,
    ],
    ['has the latest turn first', `{% for m in messages | reverse %}${turn}{% endfor %}${prompt}`],
  ])('a template without tags that %s is refused', (_, source) => {
    const spaced = talk.map((message) => ({ ...message, content: `${message.content as string} ` }))
    expect(() => said(new ChatTemplate(source), spaced)).toThrow(
      expect.objectContaining({ code: 'invalid-chat-template' }) as Error,
    )
  })

  test('turns that read alike do not hide that earlier ones are dropped', () => {
    const same = [0, 1].flatMap(() => [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'ho' },
    ])
    const dropping = new ChatTemplate(`{% for m in messages[-2:] %}${turn}{% endfor %}${prompt}`)
    expect(() => said(dropping, same)).toThrow(expect.objectContaining({ code: 'invalid-chat-template' }) as Error)
  })

  test('some turns, where a template has several blocks for one, or an empty one', () => {
    const blocks = `{% for m in messages %}{% if m.role == 'assistant' %}<assistant>{% for c in m.content %}{% generation %}{{ c.text }}{% endgeneration %}-{% endfor %}</>{% else %}${turn}{% endif %}{% endfor %}${prompt}`
    const template = new ChatTemplate(blocks)
    const parts = (...texts: string[]) => texts.map((text) => ({ type: 'text', text }))
    const several = [
      { role: 'user', content: 'u' },
      { role: 'assistant', content: parts('a', 'b') },
      { role: 'user', content: 'v' },
      { role: 'assistant', content: parts('c') },
    ]
    const { text, spans } = renderWithAssistantSpans(template, several, {}, [1])
    expect(spans.map(([from, to]) => text.slice(from, to))).toEqual(['a', 'b'])
    expect(said(template, several, 'last')).toEqual(['c'])
    const silent = `{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}`
    const unsaid = talk.map((message, at) => (at === talk.length - 1 ? { ...message, content: '' } : message))
    expect(said(new ChatTemplate(silent), unsaid, 'last'), 'not the turn before').toEqual([])
  })

  test('a developer is the system where the template knows none; a weight is for training only', () => {
    const messages = [{ role: 'developer', content: 'x', weight: 1 }]
    const plain = `{% for m in messages %}{{ m.role }}{{ m | length }}{% endfor %}`
    expect(new ChatTemplate(plain).render(messages)).toBe('system2')
    expect(new ChatTemplate(`${plain}{# developer #}`).render(messages)).toBe('developer2')
  })

  test('a filter over a generation block is refused', () => {
    const template = new ChatTemplate(
      '{% set x %}{% generation %}  hi {% endgeneration %}{% endset %}{{ x | trim }}{{ x | upper }}',
    )
    expect(() => template.renderWithSpans([])).toThrow(
      expect.objectContaining({ code: 'invalid-chat-template' }) as Error,
    )
  })

  test('tokens of spans: offsets in code points, blanks whose offsets were trimmed away', () => {
    const text = '👋a bc'
    // 👋 in two byte tokens, a, a blank (trimmed to nothing), b, c
    const offsets = [[0, 1], [0, 1], [1, 2], [3, 3], [3, 4], [4, 5]] as const // prettier-ignore
    expect(tokensInSpans(text, offsets, [[0, 2]])).toEqual([true, true, false, false, false, false])
    expect(tokensInSpans(text, offsets, [[2, 4]])).toEqual([false, false, true, true, false, false])
    expect(tokensInSpans(text, offsets, [[2, 3], [4, 6]])).toEqual([false, false, true, false, true, true]) // prettier-ignore
    expect(tokensInSpans(text, offsets, [])).toEqual([false, false, false, false, false, false])
  })
})
