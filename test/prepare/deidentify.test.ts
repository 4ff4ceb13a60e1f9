import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AttuneError } from '../../lib/errors.js'
import { deidentifier, deidentify } from '../../lib/prepare/deidentify.js'
import type { DeidentifyOptions } from '../../lib/prepare/deidentify-options.js'
import { personalDataKinds } from '../../lib/prepare/personal-data.js'
import { refusal } from '../refusal.js'

const found = (text: string, options?: DeidentifyOptions): string[] =>
  deidentify(text, options).findings.map(({ kind, start, end }) => `${kind}: ${text.slice(start, end)}`)

const all: DeidentifyOptions = { kinds: [...personalDataKinds] }

describe('each kind', () => {
  test.each([
    ['write to j.smith+news@mail.example.org.', 'email: j.smith+news@mail.example.org'],
    ['Ana.López@ejemplo.es wrote', 'email: Ana.López@ejemplo.es'],
    ['jane (at) example (dot) org', 'email: jane (at) example (dot) org'],
    ['see https://example.com/a_(b)?q=1.', 'url: https://example.com/a_(b)?q=1'],
    ['(www.foo.org)', 'url: www.foo.org'],
    ['visit example.com, please', 'url: example.com'],
    ['docs at lucozade.co.uk/wrc now', 'url: lucozade.co.uk/wrc'],
    ['from 192.168.0.17:', 'ip: 192.168.0.17'],
    ['server 8.8.8.8', 'ip: 8.8.8.8'],
    ['at 2001:db8::1 today', 'ip: 2001:db8::1'],
    ['pay to DE89 3704 0044 0532 0130 00 by Friday', 'iban: DE89 3704 0044 0532 0130 00'],
    ['IBAN GB82WEST12345698765432.', 'iban: GB82WEST12345698765432'],
    ['card 4111 1111 1111 1111', 'card: 4111 1111 1111 1111'],
    ['378282246310005 is an Amex', 'card: 378282246310005'],
    ['3782-822463-10005', 'card: 3782-822463-10005'],
    ['SSN 123-45-6789', 'id: 123-45-6789'],
    ['her number 219-09-9999 was', 'id: 219-09-9999'],
    ['MRN: 00123456', 'id: 00123456'],
    ['Medical record number 12-34-56', 'id: 12-34-56'],
    ['NHS number: 943 476 5919, seen', 'id: 943 476 5919'],
    ['Patient ID AB-12345', 'id: AB-12345'],
    ['your account number is 12345678', 'id: 12345678'],
    ['passport no. X1234567', 'id: X1234567'],
    ['NI: AB 12 34 56 C', 'id: AB 12 34 56 C'],
    ['DNI 12345678Z', 'id: 12345678Z'],
    ['nacida, 12345678Z', 'id: 12345678Z'],
    ['811228-9874 bokade', 'id: 811228-9874'],
    ['2 55 08 14 168 025 38 est', 'id: 2 55 08 14 168 025 38'],
    ['on 2024-03-12', 'date: 2024-03-12'],
    ['at 2024-03-12T10:15:00Z', 'date: 2024-03-12T10:15:00Z'],
    ['on 12/03/2024.', 'date: 12/03/2024'],
    ['on 3/12/24', 'date: 3/12/24'],
    ['am 12.03.2024', 'date: 12.03.2024'],
    ['am 25.12.98 geboren', 'date: 25.12.98'],
    ['(03/2024)', 'date: 03/2024'],
    ['3 March 2024', 'date: 3 March 2024'],
    ['the 3rd of March, 2024 was', 'date: 3rd of March, 2024'],
    ['March 3rd, 2024', 'date: March 3rd, 2024'],
    ['March 29, 2004 we', 'date: March 29, 2004'],
    ['3. März 2024', 'date: 3. März 2024'],
    ['3. Ma\u0308rz 2024', 'date: 3. Ma\u0308rz 2024'],
    ['1er mars 2024', 'date: 1er mars 2024'],
    ['3 de marzo de 2024', 'date: 3 de marzo de 2024'],
    ['In June 2003, after', 'date: June 2003'],
    ['12-Mar-24', 'date: 12-Mar-24'],
    ['by 16 May', 'date: 16 May'],
    ['5-7 November 2010', 'date: 5-7 November 2010'],
    ['2024年3月12日に', 'date: 2024年3月12日'],
    ['call +44 20 7946 0958 now', 'phone: +44 20 7946 0958'],
    ['+1 (212) 555-0123', 'phone: +1 (212) 555-0123'],
    ['+44 (0)20 7946 0958', 'phone: +44 (0)20 7946 0958'],
    ['0044 20 7946 0958', 'phone: 0044 20 7946 0958'],
    ['(212) 555-1234 or', 'phone: (212) 555-1234'],
    ['at 555-123-4567 ext. 12.', 'phone: 555-123-4567 ext. 12'],
    ['1-800-555-1234', 'phone: 1-800-555-1234'],
    ['020 7946 0958', 'phone: 020 7946 0958'],
    ['02073162414', 'phone: 02073162414'],
    ['apply 08452810075over18', 'phone: 08452810075'],
    ['01 42 68 53 00', 'phone: 01 42 68 53 00'],
    ['089/1234567', 'phone: 089/1234567'],
    ['Call me on 5551234567', 'phone: 5551234567'],
    ['Tel.: 67 44 12 33', 'phone: 67 44 12 33'],
    ['call09050000327', 'phone: 09050000327'],
    ['my number is 912345678', 'phone: 912345678'],
    ['London SW1A 1AA', 'postcode: SW1A 1AA'],
    ['CA 94107', 'postcode: 94107'],
    ['PLZ 10115', 'postcode: 10115'],
  ])('%s', (text, expected) => {
    expect(found(text, all)).toEqual([expected])
  })
})

describe('near misses stay', () => {
  test.each([
    'order 113542617735902',
    'purchase 3707955617 was delayed',
    'the order with the number 00004587345.',
    'order 4111111111111111 has not come',
    'invoice #85632, tracking 1Z999AA10123456784',
    'card 4111 1111 1111 1112',
    '0000 0000 0000 0000',
    'IBAN DE89 3704 0044 0532 0130 01',
    'v1.2.3, version 1.2.2024, Python 3.10.12, macOS 10.12.15, release 12.03.24',
    'chapter 1.2.3.4 and 1.2.3.4',
    '256.1.1.300',
    '$1,234,567.89 or 1 234 567,89 or 1.234.567 or 12.345.678,90 €',
    '100 000 000 people, 10 000 Euros, +12.345.678',
    'at 12:30:15, 10:30-17:00, 08.30-17.00, 24/7',
    'the season 2019-20, in 2003 and 2004, since 1998',
    '7-21 business days, ages 18-24-35',
    'blood pressure 120/80/60, acuity 20/200, 4298/2476 nmol',
    '-9.50 -5.50 x 135, +1.50 -2.25 180',
    'dose 10-10-10 and 1-1-2',
    'a titre of 1/2000, ratio 1:1000, 95% CI 1.02-1.35',
    '26,500/mm3, 249,000, 0.123456789, 3.14159265358',
    '01 02 03 04 05 06 07 08 09 10',
    'ISBN 978-3-16-148410-0',
    'he may 3 times march 3 miles, and mar 5 plates',
    'May 5 people come? March 3 miles!',
    'set 5, out 3, on the 5th may be late',
    'patient number 12, patient ID card, account 12.5',
    'and/or, Node.js/Express, e.g. this, i.e. that, ASP.NET, README.md, and so on...com',
    'std::vector, a::b, 12::',
    'an @mention and me@home',
    'https://',
    'tel: see below; file: none',
    'stage T2N0M0, G4P0A4',
    'in 2007 UK tours',
    '987-65-4321 and 000-12-3456 and 123-00-4567',
    'sha 0871872787f3a90b4c',
    '123e4567-e89b-12d3-a456-426614174000',
    'doi 10.1000/182, arXiv 2107.12345',
  ])('%s', (text) => {
    expect(found(text, all)).toEqual([])
  })
})

describe('names', () => {
  const names = ['John Smith', 'José', "O'Neil", 'Will', 'Jean-Luc Picard', 'Weiß', '王小明', 'Li', 'Øyvind']
  test.each([
    ['JOHN SMITH and john smith', ['JOHN SMITH', 'john smith']],
    ['Smith, John and John\nSmith', ['Smith, John', 'John\nSmith']],
    ['met John. Smith left', []],
    ['José’s and Jose\u0301 came', ['José', 'Jose\u0301']],
    ["O’Neil, O'NEIL", ['O’Neil', "O'NEIL"]],
    ['Will will win', ['Will']],
    ['Jean Luc Picard, Jean-Luc  Picard', ['Jean Luc Picard', 'Jean-Luc  Picard']],
    ['WEISS und Weiß und Weissbier', ['WEISS', 'Weiß']],
    ['我叫王小明。', ['王小明']],
    ['Li saw li and a list', ['Li']],
    ['ØYVIND', ['ØYVIND']],
    ['Johnson Smithers and Josephine', []],
  ])('%s', (text, expected) => {
    expect(found(text, { kinds: ['name'], names })).toEqual(expected.map((name) => `name: ${name}`))
  })

  test('the longest first, and a possessive keeps its ending', () => {
    expect(deidentify("Ann Lee's car, Ann’s too", { names: ['Ann', 'Ann Lee'] }).text).toBe(
      "[NAME]'s car, [NAME]’s too",
    )
  })

  test('case as asked for', () => {
    expect(found('john JOHN John', { names: ['John'], nameCase: 'exact' })).toEqual(['name: John'])
    expect(found('will Will', { names: ['Will'], nameCase: 'any' })).toEqual(['name: will', 'name: Will'])
  })

  test('with an s, where asked for', () => {
    const names = ['Peter', 'Anna Lind']
    expect(deidentify('Peters bil, Anna Linds bok, peters', { names, genitiveS: true }).text).toBe(
      '[NAME]s bil, [NAME]s bok, peters',
    )
    expect(deidentify('Peters bil', { names }).text).toBe('Peters bil')
  })

  test('a list of twenty thousand names is looked up, not tried one by one', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `Given${i} Family${i % 977}`)
    const run = deidentifier({ names: many, kinds: ['name'] })
    const { counts } = run('Given5 Family5 met Given19999 Family459 and Given1 Family2. '.repeat(100))
    expect(counts).toEqual({ name: 200 })
  })
})

describe('numbers of placeholders', () => {
  const names = [['John Smith', 'Johnny', 'J. Smith'], 'Mary']

  test('forms of one name, a phone written in two ways and an address in two cases are one', () => {
    const { text } = deidentify(
      'John Smith (J.Smith@x.org, 020 7946 0958) met Mary. SMITH, JOHN: j.smith@x.org or +44 20 7946 0958. Johnny, J. Smith, Mary',
      { names, consistent: true },
    )
    expect(text).toBe(
      '[NAME_1] ([EMAIL_1], [PHONE_1]) met [NAME_2]. [NAME_1]: [EMAIL_1] or [PHONE_1]. [NAME_1], [NAME_1], [NAME_2]',
    )
  })

  test('anew in each row, or through all rows', () => {
    const byRow = deidentifier({ names, consistent: 'row' })
    byRow('Mary')
    byRow.nextRow()
    expect(byRow('Johnny met Mary').text).toBe('[NAME_1] met [NAME_2]')
    const throughout = deidentifier({ names, consistent: 'dataset' })
    throughout('Mary')
    throughout.nextRow()
    expect(throughout('Johnny met Mary').text).toBe('[NAME_2] met [NAME_1]')
  })
})

describe('options', () => {
  test('patterns of your own go first, strings and expressions', () => {
    const patterns = { ORDER: String.raw`\b\d{12}\b`, case_no: /K-\d+/i }
    expect(deidentify('order 370795561790, k-17', { patterns }).text).toBe('order [ORDER], [CASE_NO]')
    expect(deidentify('k-17', { patterns }).counts).toEqual({ case_no: 1 })
  })

  test('only the kinds asked for', () => {
    expect(deidentify('a@b.org on 2024-03-12', { kinds: ['date'] }).text).toBe('a@b.org on [DATE]')
  })

  test.each([
    [{ patterns: { X: '(' } }, 'options.patterns.X'],
    [{ patterns: { X: 'a*' } }, 'options.patterns.X'],
    [{ kinds: ['phones'] }, 'options.kinds'],
    [{ phoneRegions: ['XX'] }, 'options.phoneRegions'],
    [{ names: [''] }, 'options.names'],
    [{ name: ['x'] }, 'options.name'],
  ])('refuses %o', (options, where) => {
    const error = refusal(() => deidentify('x', options as DeidentifyOptions))
    expect(error).toBeInstanceOf(AttuneError)
    expect((error as AttuneError).code).toBe('invalid-option')
    expect((error as AttuneError).where).toContain(where)
  })

  test('other regions know other numbers', () => {
    expect(found('044 668 18 00', { phoneRegions: ['CH'] })).toEqual(['phone: 044 668 18 00'])
    expect(found('(212) 555-1234', { phoneRegions: ['GB'] })).toEqual([])
  })
})

describe('for any text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.constantFrom(
      'Mary',
      'a@b.org',
      '+44 20 7946 0958',
      '2024-03-12',
      '4111 1111 1111 1111',
      'http://x.org/',
      ' ',
      '/',
      '\0',
      '1',
      '03.',
    ),
  )
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))

  test('findings are in order, apart from each other, and make the text that is given', () => {
    const run = deidentifier({ names: ['Mary'], kinds: [...personalDataKinds] })
    fc.assert(
      fc.property(text, (given) => {
        const { text: result, findings, counts } = run(given)
        let [built, at] = ['', 0]
        for (const { start, end, placeholder } of findings) {
          expect(start).toBeGreaterThanOrEqual(at)
          expect(end).toBeGreaterThan(start)
          built += given.slice(at, start) + placeholder
          at = end
        }
        expect(result).toBe(built + given.slice(at))
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(findings.length)
      }),
      { numRuns: 300 },
    )
  })

  test('what is de-identified already stays as it is', () => {
    const run = deidentifier({ names: ['Mary'] })
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('Mary', 'a@b.org', '+44 20 7946 0958', 'on 2024-03-12', 'hello'), { maxLength: 8 }),
        (words) => {
          const once = run(words.join(', ')).text
          expect(run(once).text).toBe(once)
        },
      ),
    )
  })

  test('long runs of one kind of character take no longer than others', () => {
    for (const unit of ['1', '1 ', '1-', 'a.', 'a@', '(', '+1', 'www.', '::', 'é', 'January ', '0/']) {
      expect(deidentify(unit.repeat(20_000)).text.length).toBeGreaterThan(0)
    }
  }, 20_000)
})
