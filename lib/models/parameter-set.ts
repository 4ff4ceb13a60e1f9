import { AttuneError } from '../errors.js'
import type { ParameterSpec } from '../graph/builder.js'
import type { NativeSession } from '../native.js'
import { suggestion } from '../nearest.js'
import type { ModelDefinition } from './family.js'
import { selectTrainable, type TrainableSelection } from './parameter-selection.js'
import { elementCount } from './tensor.js'

export interface ParameterState {
  readonly trainable: ReadonlySet<string>
  readonly baseChanged: boolean
  readonly generation: number
}

/** The parameters of a model and its adapter, and which of them are trained. */
export class ParameterSet {
  adapter: readonly ParameterSpec[] = []
  /** Whether base weights may differ from those loaded. */
  baseChanged = false
  #trainable: ReadonlySet<string>
  /** What the session was told: it makes masters then, so it is told only when they are needed. */
  #told: ReadonlySet<string> = new Set()
  #sessionKnows = false
  #generation = 0

  constructor(
    readonly base: ReadonlyMap<string, ParameterSpec>,
    private readonly definition: ModelDefinition,
  ) {
    this.#trainable = new Set(base.keys())
  }

  get trainable(): ReadonlySet<string> {
    return this.#trainable
  }

  /** Counts changes of what is trained: an optimizer belongs to one state. */
  get generation(): number {
    return this.#generation
  }

  /** For `restore`. */
  get state(): ParameterState {
    return { trainable: this.#trainable, baseChanged: this.baseChanged, generation: this.#generation }
  }

  /** What is trained as it was then, and optimizers of that time are good again. */
  restore({ trainable, baseChanged, generation }: ParameterState): void {
    this.#trainable = trainable
    this.baseChanged = baseChanged
    this.#generation = generation
    this.#sessionKnows = false
  }

  get trainableElements(): number {
    let count = 0
    for (const { name, shape } of this.all()) if (this.#trainable.has(name)) count += elementCount(shape)
    return count
  }

  *all(): Generator<ParameterSpec> {
    yield* this.base.values()
    yield* this.adapter
  }

  get names(): string[] {
    return [...this.all()].map(({ name }) => name)
  }

  get trainableSpecs(): ParameterSpec[] {
    return [...this.all()].filter(({ name }) => this.#trainable.has(name))
  }

  get trainableNames(): string[] {
    return this.names.filter((name) => this.#trainable.has(name))
  }

  /** The parameter of that name; a tied head's is the embedding. @throws AttuneError `no-match` */
  named(name: string): ParameterSpec {
    const { head } = this.definition
    const isTied = head.kind === 'vocabulary' && head.tiedTo !== undefined && name === `${head.module}.weight`
    const stored = isTied ? `${head.tiedTo}.weight` : name
    for (const spec of this.all()) if (spec.name === stored) return spec
    throw new AttuneError('no-match', `There is no parameter "${name}".${suggestion(name, this.names)}`, {
      where: name,
    })
  }

  select(selection: TrainableSelection): ReadonlySet<string> {
    const names = selectTrainable(selection, this.names, this.definition)
    this.#requireTrainable(names)
    return names
  }

  train(names: ReadonlySet<string>): void {
    this.#trainable = names
    this.#sessionKnows = false
    this.#generation++
  }

  /** Tells the session what is trained. @throws AttuneError `invalid-option` when nothing is */
  prepare(session: NativeSession): void {
    if (this.#trainable.size === 0) {
      throw new AttuneError(
        'invalid-option',
        'Nothing is trainable: call model.setTrainable or add an adapter first.',
        {
          where: 'trainable',
        },
      )
    }
    this.#requireTrainable(this.#trainable)
    this.tell(session)
  }

  #requireTrainable(names: ReadonlySet<string>): void {
    for (const name of names) {
      const held = this.definition.quantized.get(name)
      if (held === undefined) continue
      const message = `${name} is held as ${held} and cannot be trained: add a LoRA adapter, or load the model without quantization.`
      throw new AttuneError('invalid-option', message, { where: name })
    }
  }

  tell(session: NativeSession): void {
    if (this.#sessionKnows) return
    this.#tell(session, this.#trainable)
    this.#sessionKnows = true
  }

  /** Whether the session trains something. */
  get isTold(): boolean {
    return this.#told.size > 0
  }

  /** Gives back the masters of what is no longer trained. Those of what newly is come when they are needed. */
  release(session: NativeSession): void {
    if (!this.isTold) return
    this.#tell(session, new Set([...this.#trainable].filter((name) => this.#told.has(name))))
  }

  /** The session trains nothing, whatever is trained next. */
  untell(session: NativeSession): void {
    this.#tell(session, new Set())
    this.#sessionKnows = false
  }

  #tell(session: NativeSession, names: ReadonlySet<string>): void {
    session.setTrainable([...names])
    this.#told = names
  }

  /** Before weights move: an adapter file cannot hold the model any more if the base is among them. */
  noteTraining(names: Iterable<string> = this.#trainable): void {
    for (const name of names) if (this.base.has(name)) this.baseChanged = true
  }

  /** Biases and norms have no weight decay unless asked for. */
  isExemptFromDecay(name: string): boolean {
    return name.includes('bias') || this.named(name).role === 'norm'
  }
}
