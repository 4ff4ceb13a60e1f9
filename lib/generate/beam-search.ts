/**
 * Beam search of one prompt, step by step, as transformers does it: which hypotheses go on, which are done, and when
 * nothing better can come. Knows no model: scores come in, hypotheses go out.
 */
import type { FinishReason } from './decode-loop.js'

export interface BeamOptions {
  /** Hypotheses that go on at once. */
  readonly numBeams: number
  /** Score of a finished hypothesis: sum of its log probabilities / (new tokens ^ lengthPenalty). */
  readonly lengthPenalty: number
  /**
   * When there are as many finished hypotheses as beams: `true` ends the search, `false` ends it when the best one
   * that goes on scores no better as it stands, `'never'` when it could not score better at any length.
   */
  readonly earlyStopping: boolean | 'never'
}

export interface Hypothesis {
  /** Prompt and what came after. */
  readonly history: readonly number[]
  /** Of the new tokens together. */
  readonly logProbability: number
  /** Which of the hypotheses before this step it continues. */
  readonly parent: number
}

export interface FinishedHypothesis {
  /** The new tokens. */
  readonly tokenIds: readonly number[]
  readonly score: number
  readonly finishReason: FinishReason
}

/** Why a hypothesis ends with its last token; undefined where it may go on. */
export type FinishTest = (hypothesis: Hypothesis) => FinishReason | undefined | Promise<FinishReason | undefined>

export class BeamSearch {
  /** Best first. At the start the prompt alone. */
  running: readonly Hypothesis[]
  /** Best first, as many as beams at most. */
  finished: readonly FinishedHypothesis[] = []
  readonly #options: BeamOptions
  readonly #promptLength: number
  readonly #maxNewTokens: number

  constructor(prompt: readonly number[], maxNewTokens: number, options: BeamOptions) {
    this.running = [{ history: prompt, logProbability: 0, parent: 0 }]
    this.#promptLength = prompt.length
    this.#maxNewTokens = maxNewTokens
    this.#options = options
  }

  /** New tokens of each hypothesis that goes on. */
  get produced(): number {
    return (this.running[0]?.history.length ?? this.#promptLength) - this.#promptLength
  }

  /**
   * One token further. `scores`: log probabilities of every next token, for each running hypothesis. `candidates`: how
   * many continuations to look at, more than beams so that enough are left when some of them end.
   */
  async advance(scores: readonly Float64Array[], candidates: number, finishTest: FinishTest): Promise<void> {
    const { numBeams } = this.#options
    const best = this.#bestContinuations(scores, candidates)
    const running: Hypothesis[] = []
    const finished = [...this.finished]
    for (const [rank, { parent, tokenId, logProbability }] of best.entries()) {
      // Those behind are only there to go on where better ones end.
      if (rank >= numBeams && running.length === numBeams) break
      const hypothesis = { history: [...this.#history(parent), tokenId], logProbability, parent }
      const finishReason = await finishTest(hypothesis)
      if (finishReason === undefined) {
        if (running.length < numBeams) running.push(hypothesis)
      } else if (rank < numBeams) {
        finished.push(this.#finish(hypothesis, finishReason))
      }
    }
    // Where nothing may follow, what there is has to do.
    if (best.length === 0) finished.push(...this.running.map((hypothesis) => this.#finish(hypothesis, 'length')))
    this.finished = finished.sort((a, b) => b.score - a.score).slice(0, numBeams)
    this.running = running
  }

  get done(): boolean {
    const { numBeams, lengthPenalty, earlyStopping } = this.#options
    const [best] = this.running
    if (best === undefined) return true
    const worst = this.finished[numBeams - 1]
    if (worst === undefined) return false
    if (earlyStopping === true) return true
    // Above 0 the penalty favours long texts: the most favourable end is then the last possible one.
    const length = earlyStopping === 'never' && lengthPenalty > 0 ? this.#maxNewTokens : this.produced
    return best.logProbability / length ** lengthPenalty <= worst.score
  }

  #finish({ history, logProbability }: Hypothesis, finishReason: FinishReason): FinishedHypothesis {
    const tokenIds = history.slice(this.#promptLength)
    return { tokenIds, score: logProbability / tokenIds.length ** this.#options.lengthPenalty, finishReason }
  }

  #history(parent: number): readonly number[] {
    return this.running[parent]?.history ?? []
  }

  /** Best first; of equals the earlier. None that cannot come (−Infinity). */
  #bestContinuations(scores: readonly Float64Array[], count: number): Continuation[] {
    const best: Continuation[] = []
    let least = -Infinity
    for (const [parent, { logProbability: before }] of this.running.entries()) {
      const row = scores[parent] ?? []
      for (let tokenId = 0; tokenId < row.length; tokenId++) {
        const logProbability = before + (row[tokenId] as number)
        if (!(logProbability > least)) continue
        // Few are kept against the size of a vocabulary, and most tokens do not come this far.
        let place = best.length
        while (place > 0 && (best[place - 1] as Continuation).logProbability < logProbability) place--
        best.splice(place, 0, { parent, tokenId, logProbability })
        if (best.length > count) best.pop()
        if (best.length === count) least = (best[count - 1] as Continuation).logProbability
      }
    }
    return best
  }
}

interface Continuation {
  readonly parent: number
  readonly tokenId: number
  readonly logProbability: number
}
