import { describe, expect, it } from 'vitest'
import {
  bleuMetric,
  corpusBleu,
  sentenceBleu,
  type BleuOptions,
  type BleuSmoothing,
} from '../../../lib/evaluate/metrics/bleu.js'
import { bleuTokenizers, type BleuTokenizer } from '../../../lib/evaluate/metrics/bleu-tokenizers.js'
import { chrfMetric, corpusChrf, sentenceChrf, type ChrfOptions } from '../../../lib/evaluate/metrics/chrf.js'
import { corpusExactMatch } from '../../../lib/evaluate/metrics/exact-match.js'
import { porterStem } from '../../../lib/evaluate/metrics/porter-stemmer.js'
import { corpusRouge, rougeMetric, rougeScores, type RougeType } from '../../../lib/evaluate/metrics/rouge.js'
import { corpusTer, sentenceTer, terMetric, type TerOptions } from '../../../lib/evaluate/metrics/ter.js'
import { splitWords, trimEnd } from '../../../lib/evaluate/metrics/words.js'
import { refusal } from '../../refusal.js'
import { goldensFolder, goldensMissing, readGolden } from '../../shared-goldens.js'
import { expectClose, readExpected } from './close.js'

interface Expected {
  readonly rows: readonly {
    readonly hypothesis: string
    readonly references: readonly string[]
    readonly bleu: number
    readonly precisions: readonly number[]
    readonly tokens: Readonly<Record<BleuTokenizer, readonly string[]>>
    readonly chrf: number
    readonly 'chrf++': number
    readonly ter: number
    readonly rouge: Readonly<Record<'true' | 'false', Readonly<Record<RougeType, readonly number[]>>>>
  }[]
  readonly corpus: {
    readonly bleu: readonly { readonly options: BleuOptions; readonly bleu: number; readonly signature: string }[]
    readonly chrf: readonly { readonly options: ChrfOptions; readonly chrf: number }[]
    readonly ter: readonly { readonly options: TerOptions; readonly ter: number }[]
  }
  readonly stems: Readonly<Record<string, string>>
}
const expected = readExpected<Expected>('expected-text.json')
const hypotheses = expected.rows.map(({ hypothesis }) => hypothesis)
const references = expected.rows.map((row) => row.references)

describe('BLEU', () => {
  it('agrees with counting by hand', () => {
    // Words 5 of 6, pairs 3 of 5, triples 2 of 4, fours 1 of 3; as long as the reference.
    const { bleu, precisions, ...rest } = sentenceBleu('the cat sat on the rug', 'the cat lay on the rug')
    expectClose(precisions, [500 / 6, 60, 25, 50 / 3], 1e-12)
    expectClose(bleu, 100 * (((((((5 / 6) * 3) / 5) * 1) / 4) * 1) / 6) ** 0.25, 1e-12)
    expect(rest).toEqual({ brevityPenalty: 1, hypothesisLength: 6, referenceLength: 6 })
    // Short texts are punished, and the reference nearest in length counts, the shorter of two.
    const short = corpusBleu(['a b c d'], [['a b c d e f', 'a b c d e f g', 'a b']])
    expect(short).toMatchObject({ hypothesisLength: 4, referenceLength: 2, brevityPenalty: 1 })
    expectClose(corpusBleu(['a b c d'], ['a b c d e f']).bleu, 100 * Math.exp(-1 / 2), 1e-12)
  })

  it("tokenizes as sacrebleu's tokenizers", () => {
    for (const { hypothesis, tokens } of expected.rows) {
      for (const [name, words] of Object.entries(tokens)) {
        expect(splitWords(bleuTokenizers[name as BleuTokenizer](trimEnd(hypothesis))), name).toEqual(words)
      }
    }
  })

  it("gives sacrebleu's numbers and signatures for all tokenizers and smoothings", () => {
    for (const { options, bleu, signature } of expected.corpus.bleu) {
      const score = corpusBleu(hypotheses, references, options)
      expectClose(score.bleu, bleu, 1e-9, JSON.stringify(options))
      expect(score.signature).toBe(signature)
    }
  })

  it("gives sacrebleu's numbers for single sentences", () => {
    for (const { hypothesis, references, bleu, precisions } of expected.rows) {
      const score = sentenceBleu(hypothesis, references)
      expectClose(score.bleu, bleu, 1e-9, hypothesis)
      expectClose(score.precisions, precisions, 1e-9, hypothesis)
    }
  })

  it('refuses no rows, no references and unknown options', () => {
    expect(refusal(() => bleuMetric().value())).toMatchObject({ code: 'empty-dataset' })
    expect(refusal(() => sentenceBleu('a', []))).toMatchObject({ code: 'invalid-dataset' })
    expect(refusal(() => corpusBleu(['a'], ['a', 'b']))).toMatchObject({ code: 'shape-mismatch' })
    const tokenize = 'moses' as BleuTokenizer
    expect(refusal(() => bleuMetric({ tokenize }))).toMatchObject({ code: 'invalid-option', where: 'options.tokenize' })
    const smooth = 'laplace' as BleuSmoothing
    expect(refusal(() => bleuMetric({ smooth }))).toMatchObject({ code: 'invalid-option', where: 'options.smooth' })
  })
})

describe('chrF', () => {
  it('agrees with counting by hand', () => {
    // Of single characters 2 of 3 match on either side, of pairs 1 of 2.
    expectClose(sentenceChrf('abc', 'ab d', { charOrder: 2, beta: 1 }), (100 * (2 / 3 + 1 / 2)) / 2, 1e-12)
    expect(sentenceChrf('', 'a')).toBe(0)
  })

  it("gives sacrebleu's numbers", () => {
    for (const row of expected.rows) {
      expectClose(sentenceChrf(row.hypothesis, row.references), row.chrf, 1e-9, row.hypothesis)
      expectClose(sentenceChrf(row.hypothesis, row.references, { wordOrder: 2 }), row['chrf++'], 1e-9, row.hypothesis)
    }
    for (const { options, chrf } of expected.corpus.chrf) {
      expectClose(corpusChrf(hypotheses, references, options), chrf, 1e-9, JSON.stringify(options))
    }
    expect(refusal(() => chrfMetric().value())).toMatchObject({ code: 'empty-dataset' })
  })
})

describe('TER', () => {
  it('counts a moved run of words as one edit', () => {
    expect(sentenceTer('c d a b', 'a b c d')).toBe(25)
    expect(sentenceTer('A b', 'a b')).toBe(0)
    expect(sentenceTer('A b', 'a b', { caseSensitive: true })).toBe(50)
    expect(sentenceTer('a', '')).toBe(100)
    expect(sentenceTer('', '')).toBe(0)
  })

  it("gives sacrebleu's numbers", () => {
    for (const { hypothesis, references, ter } of expected.rows) {
      expectClose(sentenceTer(hypothesis, references), ter, 1e-9, hypothesis)
    }
    for (const { options, ter } of expected.corpus.ter) {
      expectClose(corpusTer(hypotheses, references, options), ter, 1e-9, JSON.stringify(options))
    }
    expect(refusal(() => terMetric().value())).toMatchObject({ code: 'empty-dataset' })
  })
})

describe('ROUGE', () => {
  it('agrees with counting by hand', () => {
    const scores = rougeScores('the dog bit the man', 'the man bit the dog')
    expectClose(scores.rouge1, { precision: 1, recall: 1, fScore: 1 }, 1e-15)
    // Pairs: `bit the` and, crosswise, `the dog` and `the man`.
    expectClose(scores.rouge2, { precision: 3 / 4, recall: 3 / 4, fScore: 3 / 4 }, 1e-15)
    expectClose(scores.rougeL, { precision: 3 / 5, recall: 3 / 5, fScore: 3 / 5 }, 1e-15)
    expect(rougeScores('', 'a').rouge1).toEqual({ precision: 0, recall: 0, fScore: 0 })
  })

  it("stems as NLTK's Porter stemmer", () => {
    const actual = Object.fromEntries(Object.keys(expected.stems).map((word) => [word, porterStem(word)]))
    expect(actual).toEqual(expected.stems)
  })

  it("gives rouge-score's numbers, the best reference for each type", () => {
    for (const { hypothesis, references, rouge } of expected.rows) {
      for (const stemmer of [false, true]) {
        const wanted = rouge[`${stemmer}`]
        const types = Object.keys(wanted) as RougeType[]
        const scores = rougeScores(hypothesis, references, { types, stemmer })
        for (const type of types) {
          const [precision, recall, fScore] = wanted[type]
          expectClose(scores[type], { precision, recall, fScore }, 1e-12, `${type} of ${hypothesis}`)
        }
      }
    }
  })

  it('refuses no rows, no references and unknown types', () => {
    expect(refusal(() => rougeMetric().value())).toMatchObject({ code: 'empty-dataset' })
    expect(refusal(() => rougeScores('a', []))).toMatchObject({ code: 'invalid-dataset' })
    const types = ['rougeW' as RougeType]
    expect(refusal(() => rougeMetric({ types }))).toMatchObject({ code: 'invalid-option', where: 'options.types' })
  })
})

describe('exact match', () => {
  it('compares texts as they are, or normalized', () => {
    const normalize = (text: string): string => text.trim().toLowerCase()
    expect(corpusExactMatch(['a', 'B '], ['a', ['b', 'c']])).toBe(1 / 2)
    expect(corpusExactMatch(['a', 'B '], ['a', ['b', 'c']], { normalize })).toBe(1)
    expect(refusal(() => corpusExactMatch([], []))).toMatchObject({ code: 'empty-dataset' })
  })
})

interface RougeGolden {
  readonly precision: number
  readonly recall: number
  readonly f: number
}

interface Goldens {
  readonly tolerance: { readonly abs: number }
  readonly pairs: readonly {
    readonly hypothesis: string
    readonly reference: string
    readonly sentence_bleu: number
    readonly precisions: readonly number[]
    readonly brevity_penalty: number
    readonly chrf: number
    readonly 'chrf++': number
    readonly ter: number
    readonly rouge: Readonly<Record<RougeType, RougeGolden>>
    readonly 'rouge with stemmer': Readonly<Record<RougeType, RougeGolden>>
    readonly exact_match: number
  }[]
  readonly corpus: Readonly<Record<`bleu ${string}`, number>> & {
    readonly bleu: number
    readonly precisions: readonly number[]
    readonly brevity_penalty: number
    readonly hypothesis_length: number
    readonly reference_length: number
    readonly signature: string
    readonly chrf: number
    readonly 'chrf++': number
    readonly ter: number
    readonly 'rows 2 and 3 alone': { readonly bleu: number; readonly precisions: readonly number[] }
    readonly 'two references': { readonly bleu: number }
  }
  readonly rouge_mean_f: Readonly<Record<RougeType, number>>
}

describe.skipIf(goldensFolder === undefined)(`sacrebleu's and rouge-score's goldens ${goldensMissing}`, () => {
  const goldens = goldensFolder === undefined ? undefined : readGolden<Goldens>('metrics', 'text.json')
  const tolerance = goldens?.tolerance.abs ?? 0
  const pairs = goldens?.pairs ?? []
  const hypotheses = pairs.map(({ hypothesis }) => hypothesis)
  const references = pairs.map(({ reference }) => reference)

  it.each(pairs)('$hypothesis', ({ hypothesis, reference, ...golden }) => {
    const { bleu, precisions, brevityPenalty } = sentenceBleu(hypothesis, reference)
    expectClose(bleu, golden.sentence_bleu, tolerance, 'BLEU')
    expectClose(precisions, golden.precisions, tolerance, 'precisions')
    expectClose(brevityPenalty, golden.brevity_penalty, tolerance, 'brevity penalty')
    expectClose(sentenceChrf(hypothesis, reference), golden.chrf, tolerance, 'chrF')
    expectClose(sentenceChrf(hypothesis, reference, { wordOrder: 2 }), golden['chrf++'], tolerance, 'chrF++')
    expectClose(sentenceTer(hypothesis, reference), golden.ter, tolerance, 'TER')
    expect(corpusExactMatch([hypothesis], [reference])).toBe(golden.exact_match)
    for (const stemmer of [false, true]) {
      const wanted = golden[stemmer ? 'rouge with stemmer' : 'rouge']
      const scores = rougeScores(hypothesis, reference, { stemmer })
      for (const [type, { precision, recall, f }] of Object.entries(wanted)) {
        expectClose(scores[type as RougeType], { precision, recall, fScore: f }, tolerance, type)
      }
    }
  })

  it('the corpus', () => {
    const golden = goldens!.corpus
    const score = corpusBleu(hypotheses, references)
    expectClose(score.bleu, golden.bleu, tolerance)
    expectClose(score.precisions, golden.precisions, tolerance)
    expectClose(score.brevityPenalty, golden.brevity_penalty, tolerance)
    expect(score.hypothesisLength).toBe(golden.hypothesis_length)
    expect(score.referenceLength).toBe(golden.reference_length)
    expect(score.signature).toBe(golden.signature)
    expectClose(corpusChrf(hypotheses, references), golden.chrf, tolerance)
    expectClose(corpusChrf(hypotheses, references, { wordOrder: 2 }), golden['chrf++'], tolerance)
    expectClose(corpusTer(hypotheses, references), golden.ter, tolerance)
    const settings = Object.entries(golden).filter(([key]) => key.startsWith('bleu '))
    expect(settings).toHaveLength(8)
    for (const [key, bleu] of settings) {
      const [name = '', value] = key.slice('bleu '.length).split('=')
      const options = { [name]: value ?? true } as BleuOptions
      expectClose(corpusBleu(hypotheses, references, options).bleu, bleu, tolerance, key)
    }
    const two = golden['two references']
    const mirrored = references.map((reference, i) => [reference, references[references.length - 1 - i]!])
    expectClose(corpusBleu(hypotheses, mirrored).bleu, two.bleu, tolerance)
    const few = corpusBleu(hypotheses.slice(2, 4), references.slice(2, 4))
    expectClose({ bleu: few.bleu, precisions: few.precisions }, golden['rows 2 and 3 alone'], tolerance)
    const means = corpusRouge(hypotheses, references)
    for (const [type, mean] of Object.entries(goldens!.rouge_mean_f)) {
      expectClose(means[type as RougeType]?.fScore, mean, tolerance, type)
    }
  })
})
