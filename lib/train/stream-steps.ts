/** The steps of a run on a stream: drawn one after the other, the next one while a step is computed. */
import { createHash } from 'node:crypto'
import { encodingOf } from '../data/encoding-options.js'
import { collate, type ExampleBatch } from '../data/example.js'
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { omit } from '../options.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { StepData, StepSource } from './step-source.js'
import { streamBatches, type StreamBatch } from './stream-batches.js'
import { chunksOfPass, digestAt } from './stream-examples.js'
import type { StreamTrainOptions } from './stream-options.js'
import { noRows, type StreamPosition } from './stream-position.js'
import { StreamFindings } from './stream-findings.js'
import type { Warning } from './warnings.js'

interface StreamStep extends StepData {
  /** Of its last batch. */
  readonly chunk: StreamBatch['chunk']
  readonly used: number
  readonly endsPass: boolean
  /** The pass that it is of. */
  readonly epoch: number
}

export class StreamSteps implements StepSource {
  readonly steps: number
  readonly #model: Model
  readonly #options: StreamTrainOptions
  readonly #tokenizer: Tokenizer
  readonly #findings = new StreamFindings()
  readonly #signal: AbortSignal | undefined
  #from: StreamPosition | undefined
  #drawing: AsyncGenerator<StreamStep, void, void> | undefined
  #ahead: Promise<IteratorResult<StreamStep, void>> | undefined
  #last: StreamStep | undefined
  /** Rows of a whole pass, once one is over. */
  #rowsOfPass: number | undefined
  #taken = 0

  constructor(model: Model, options: StreamTrainOptions, tokenizer: Tokenizer, signal?: AbortSignal) {
    this.#model = model
    this.#options = options
    this.#tokenizer = tokenizer
    this.#signal = signal
    this.steps = options.maxSteps
  }

  /** Of the step that is taken next. */
  epochOf(): number {
    const last = this.#last
    return last === undefined ? (this.#from?.epoch ?? 0) : last.epoch + (last.endsPass ? 1 : 0)
  }

  endsEpoch(steps: number): boolean {
    return steps === this.steps || (steps === this.#taken && this.#last?.endsPass === true)
  }

  /** How rows become examples; the rows themselves are in the position's digest. */
  digest(): Promise<string> {
    const encoding = omit(encodingOf(this.#options), 'tokenizer', 'onEncoding', 'cache')
    const text = JSON.stringify(['stream', this.#tokenizer.fingerprint, { ...encoding, signal: undefined }])
    return Promise.resolve(createHash('sha256').update(text).digest('hex'))
  }

  resume(position: StreamPosition | undefined): void {
    this.#from = position
  }

  async take(step: number): Promise<StepData> {
    this.#drawing ??= this.#draw(this.#from)
    const { value } = await orAborted(this.#ahead ?? this.#drawing.next(), this.#signal)
    if (value === undefined) throw new AttuneError('internal', 'a stream of steps has no end')
    this.#taken = step + 1
    this.#last = value
    // Before the next pass begins to count.
    if (this.endsEpoch(this.#taken)) this.#findings.summarize()
    this.#ahead = this.#taken < this.steps ? this.#drawing.next() : undefined
    // Heard when the step is taken, if it comes to that.
    this.#ahead?.catch(() => undefined)
    return value
  }

  async position(): Promise<StreamPosition> {
    const last = this.#last
    if (last === undefined || last.endsPass) return { epoch: this.epochOf(), rows: 0, examples: 0, digest: noRows }
    const { epoch, chunk, used } = last
    return { epoch, rows: chunk.rowsBefore, examples: used, digest: await digestAt(chunk, used) }
  }

  warnings(): readonly Warning[] {
    return this.#findings.take()
  }

  close(): void {
    // Whoever waits for a row that never comes is not waited for.
    this.#drawing?.return().catch(() => undefined)
  }

  async *#draw(from: StreamPosition | undefined): AsyncGenerator<StreamStep, never, void> {
    const { gradientAccumulationSteps, batchSize, batchTokens } = this.#options
    let begin = from
    for (let epoch = from?.epoch ?? 0; ; epoch++) {
      let group: StreamBatch[] = []
      let beginsEpoch = begin === undefined || (begin.rows === 0 && begin.examples === 0)
      let isEmpty = beginsEpoch
      const skip = begin?.examples ?? 0
      for await (const batch of streamBatches(this.#chunks(epoch, begin), { batchSize, batchTokens, skip })) {
        isEmpty = false
        group.push(batch)
        if (group.length < gradientAccumulationSteps && !batch.isLast) continue
        yield this.#stepOf(group, epoch, beginsEpoch)
        group = []
        beginsEpoch = false
      }
      if (isEmpty) {
        const message =
          'all rows of options.train were left out: each is longer than options.maxLength, or without a label'
        throw new AttuneError('empty-dataset', message, { where: 'options.train' })
      }
      begin = undefined
    }
  }

  async *#chunks(epoch: number, from: StreamPosition | undefined): ReturnType<typeof chunksOfPass> {
    const { train, batchTokens, shuffle, shuffleBuffer, seed } = this.#options
    const encoding = {
      ...encodingOf(this.#options),
      tokenizer: this.#tokenizer,
      signal: this.#signal,
      onEncoding: undefined,
    }
    this.#findings.beginPass()
    let rows = 0
    for await (const chunk of chunksOfPass(this.#model, train, {
      encoding,
      batchTokens,
      buffer: shuffle ? shuffleBuffer : 0,
      seed,
      epoch,
      from,
      onSkipped: (bad) => this.#findings.addBadRow(bad),
    })) {
      rows = chunk.rowsBefore + chunk.rows
      this.#findings.add(chunk)
      yield chunk
    }
    this.#rowsOfPass = rows
  }

  #stepOf(group: readonly StreamBatch[], epoch: number, beginsEpoch: boolean): StreamStep {
    const last = group[group.length - 1]
    if (last === undefined) throw new AttuneError('internal', 'a step without batches')
    const { chunk, used, isLast: endsPass } = last
    const part = this.#rowsOfPass === undefined ? 0 : (chunk.rowsBefore + partOf(last)) / this.#rowsOfPass
    return {
      batches: group.map(({ examples }): ExampleBatch => collate(examples, this.#model.definition)),
      tokens: group.reduce((sum, { tokens }) => sum + tokens, 0),
      beginsEpoch,
      epochAfter: epoch + (endsPass ? 1 : Math.min(part, 1)),
      chunk,
      used,
      endsPass,
      epoch,
    }
  }
}

/** Rows of the batch's last chunk that are used up, about: a row may make several examples. */
function partOf({ chunk, used }: StreamBatch): number {
  return (chunk.rows * used) / Math.max(1, chunk.examples.length)
}

/** As the promise, unless the signal comes first: a program's rows may take forever. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void =>
      reject(new AttuneError('aborted', 'waiting for rows was aborted', { cause: signal.reason }))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    const settled = (): void => signal.removeEventListener('abort', abort)
    promise.then(resolve, reject).finally(settled)
  })
}
