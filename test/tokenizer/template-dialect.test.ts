import { describe, expect, test } from 'vitest'
import { ChatTemplate } from '../../lib/tokenizer/chat-template.js'
import { parseTemplate, tagsAreWrittenStraight } from '../../lib/tokenizer/template-dialect.js'

const tagged = '{% generation %}{{ m.content }}{% endgeneration %}'
const inLoop = `{% for m in messages %}{% if m.role == 'assistant' %}${tagged}{% else %}{{ m.content }}{% endif %}{% endfor %}`

describe('generation tags', () => {
  test.each([
    ['in branches and loops', inLoop, true],
    ['none', '{{ messages[0].content | upper }}', true],
    ['in a variable', `{% set x %}${tagged}{% endset %}{{ x | trim }}`, false],
    ['in a filter', `{% for m in messages %}{% filter trim %}${tagged}{% endfilter %}{% endfor %}`, false],
    ['in a macro', `{% macro say(m) %}${tagged}{% endmacro %}{% for m in messages %}{{ say(m) }}{% endfor %}`, false],
    ['beside a macro', `{% macro say(m) %}{{ m }}{% endmacro %}${inLoop}`, true],
  ])('%s: written straight or not', (_, source, expected) => {
    expect(tagsAreWrittenStraight(parseTemplate(source))).toBe(expected)
  })

  test('a macro that writes them as they are gives the same spans', () => {
    const messages = [
      { role: 'user', content: 'how?' },
      { role: 'assistant', content: ' so ' },
    ]
    const macro = `{% macro say(m) %}${tagged}{% endmacro %}{% for m in messages %}{% if m.role == 'assistant' %}{{ say(m) }}{% else %}{{ m.content }}{% endif %}{% endfor %}`
    const expected = { text: 'how? so ', spans: [[4, 8]] }
    expect(new ChatTemplate(inLoop).renderWithSpans(messages)).toEqual(expected)
    expect(new ChatTemplate(macro).renderWithSpans(messages)).toEqual(expected)
  })
})
