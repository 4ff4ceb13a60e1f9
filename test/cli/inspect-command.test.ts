import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeFolder, writeByteTokenizer } from '../tokenizer/byte-tokenizer.js'
import { runAttune } from './run-attune.js'

let directory: string
let tokenizer: string
let good: string
let bad: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-inspect-command-'))
  tokenizer = await writeByteTokenizer()
  good = join(directory, 'good.jsonl')
  bad = join(directory, 'bad.jsonl')
  const rows = Array.from({ length: 60 }, (_, i) => ({
    prompt: `is ${i} even? `,
    completion: i % 2 === 0 ? 'yes' : 'no',
  }))
  const lines = rows.map((row) => JSON.stringify(row))
  await writeFile(good, lines.join('\n'))
  await writeFile(bad, [...lines, lines[0], '{"prompt": "\u001b[31mred', '{"prompt": 1, "completion": "x"}'].join('\n'))
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
  await removeFolder(tokenizer)
})

const inspect = (argv: readonly string[], colors = false) => runAttune(['inspect', ...argv], { colors })

describe('attune inspect', () => {
  it('draws what it found and ends with whether the data can be trained on', async () => {
    const { code, out, err } = await inspect([good, '--tokenizer', tokenizer, '--validation', '0.1', '--show', '1'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^rows +54, 6 to validate on$/m)
    expect(out).toMatch(/^tokens +[\d,]+ an epoch, \d+ of them trained$/m)
    expect(out).toMatch(/^is \d+ even\? ⟦(?:yes|no)<\/s>⟧$/m)
    expect(out).toMatch(/^ +15 {2}█+[▏▎▍▌▋▊▉]? +\d+$/m)
    expect(out).not.toContain('\u001b')
    expect(out.trimEnd().split('\n').at(-1)).toBe('These data can be trained on.')
    const colored = await inspect([good, '--tokenizer', tokenizer, '--show', '1'], true)
    expect(colored.out).toContain('\u001b[32myes\u001b[0m')
  })

  it('exits with 3 where there are errors, the most severe findings first', async () => {
    const { code, out } = await inspect([bad])
    expect(code).toBe(3)
    expect(out).toMatch(
      /^error {4}1 line cannot be read as JSON\. \(invalid-json\)\n +.*bad\.jsonl:62: not valid JSON/m,
    )
    expect(out).toMatch(/^ +.*bad\.jsonl:63: prompt: expected string, received a number$/m)
    expect(out.indexOf('error  ')).toBeLessThan(out.indexOf('warning  '))
    expect(out.trimEnd().split('\n').at(-1)).toBe(
      'These data cannot be trained on as they are: 2 errors to mend first (1 warning besides).',
    )
    // What stands in the data does not steer the terminal.
    expect(out).not.toContain('\u001b')
  })

  it('says once what is wrong with many rows', async () => {
    const path = join(directory, 'same.jsonl')
    await writeFile(
      path,
      [
        '{"text": "x", "label": 1}',
        ...Array<string>(40).fill('{"text": "", "label": 1}'),
        '{"text": 5, "label": 1}',
      ].join('\n'),
    )
    const { out } = await inspect([path])
    expect(out.replaceAll(path, 'same.jsonl')).toContain(`error    41 rows cannot be used as they are. (invalid-dataset)
         text is empty
           same.jsonl:2
           same.jsonl:3
           same.jsonl:4
           and 37 more
         same.jsonl:42: text: expected string, received a number
         → Correct these rows`)
  })

  it('gives the whole report as JSON, and as a page', async () => {
    const page = join(directory, 'report.html')
    const { code, out } = await inspect(['--data', bad, '--json', '--report', page])
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({
      type: 'inspection',
      rows: 61,
      unreadable: 2,
      trainable: false,
      counts: { error: 2, warning: 1 },
      hosted: { epochs: 3, batchSize: 1, learningRateMultiplier: 0.05 },
    })
    expect(await readFile(page, 'utf8')).toContain('1 line cannot be read as JSON.')
  })

  it('says how it was used wrongly', async () => {
    expect((await inspect([])).code).toBe(2)
    expect(await inspect([good, '--data', good])).toMatchObject({ code: 2 })
    expect(await inspect([good, '--truncation', 'middle'])).toMatchObject({ code: 2 })
    const absent = await inspect([join(directory, 'absent.jsonl')])
    expect([absent.code, absent.err]).toEqual([1, expect.stringContaining('absent.jsonl does not exist') as string])
  })
})
