/** How long a run still takes, from what its steps and evaluations took so far. */

/** Of the last so many steps: what else the machine does changes. */
const recent = 50

export class TimeLeft {
  readonly #steps: number
  readonly #evaluations: number
  readonly #took: number[] = []
  #first: number | undefined
  #evaluated = 0
  #evaluating = 0

  /** @param steps of the whole run  @param evaluations of the whole run */
  constructor(steps: number, evaluations: number) {
    this.#steps = steps
    this.#evaluations = evaluations
  }

  /** A step has ended; gives the seconds left. The first step warms up: it counts only while there is no other. */
  afterStep(stepsDone: number, seconds: number): number {
    if (this.#first === undefined) this.#first = seconds
    else this.#took.push(seconds)
    if (this.#took.length > recent) this.#took.shift()
    const took = this.#took.length === 0 ? [this.#first] : this.#took
    const perStep = took.reduce((sum, each) => sum + each, 0) / took.length
    const perEvaluation = this.#evaluated === 0 ? 0 : this.#evaluating / this.#evaluated
    const evaluations = this.#evaluations * (1 - stepsDone / this.#steps)
    return (this.#steps - stepsDone) * perStep + evaluations * perEvaluation
  }

  afterEvaluation(seconds: number): void {
    this.#evaluated++
    this.#evaluating += seconds
  }
}
