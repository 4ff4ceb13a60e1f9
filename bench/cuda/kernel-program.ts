/** Programs that run a kernel a number of times, in a session of their own. */
import { native, type NativeBatch, type NativeProgram, type NativeSession } from '../../dist/native.js'
import type { KernelCase, KernelInput, KernelNode } from './kernel-case.js'
import { optimizerCost } from './optimizer-cost.js'
import type { KernelCost } from './roofline.js'

/** Bytes from which a round of all sets is no longer in any GPU's cache. */
const cacheBytes = 256 * 2 ** 20

/** Sets that need a forward pass each, which every program of the kernel then runs: four of the largest inputs fill a cache. */
const mostForwards = 4

export interface KernelProgram {
  readonly program: NativeProgram
  readonly batch: NativeBatch
}

/** The parameters that the copies of a node read, as often as it takes that each finds its own outside the cache. */
export class KernelInputs {
  /** Names of what was defined; a session has them until `dispose`. */
  readonly #defined = new Map<string, readonly number[]>()

  constructor(
    private readonly session: NativeSession,
    private readonly definition: KernelCase,
  ) {}

  /** How many sets of its inputs copies of the node take turns with. */
  get sets(): number {
    const bytes = setsOf(this.definition).reduce((sum, shape) => sum + elementsOf(shape) * this.#size, 0)
    return bytes === 0 ? 1 : Math.max(1, Math.ceil(cacheBytes / bytes))
  }

  get #size(): number {
    return this.definition.dtype === 'bf16' ? 2 : 4
  }

  /** A program with so many copies of the node, and as many forward passes as any other of it: what copies take is the difference. */
  async copies(count: number): Promise<KernelProgram> {
    const { op, attributes, inputs, forward, dtype } = this.definition
    const graph = new (native().Graph)(dtype)
    const builder = new Builder(graph, this.definition)
    const forwards: (readonly number[])[] = []
    const turns = forward === undefined ? Math.min(this.sets, count) : Math.min(this.sets, mostForwards)
    for (let turn = 0; turn < turns; turn++) {
      const before = forward === undefined ? [] : builder.node(forward, { turn, path: 'forward' })
      forwards.push(before)
    }
    for (let copy = 0; copy < count; copy++) {
      const turn = copy % turns
      const outputs = builder.node(
        { op, attributes, inputs },
        { turn, path: `copy ${copy}`, forward: forwards[turn] ?? [] },
      )
      // Where no output stays, every copy would write to the same place, which is in the cache.
      outputs.forEach((id, i) => graph.output(`${copy} ${i}`, id))
    }
    await this.#define(builder.parameters)
    return { program: this.session.compile(graph), batch: { sizes: {}, inputs: builder.given } }
  }

  /** One of it as the loss of a program with its backward pass. */
  async root(): Promise<KernelProgram> {
    const { op, attributes, inputs, dtype, trained = [] } = this.definition
    const graph = new (native().Graph)(dtype)
    const builder = new Builder(graph, this.definition)
    const [loss] = builder.node({ op, attributes, inputs }, { turn: 0, path: 'root' })
    if (loss === undefined) throw new Error(`${op} has no loss`)
    graph.output('loss', loss)
    await this.#define(builder.parameters)
    this.session.setTrainable(trained.map((at) => builder.nameOf(inputs[at] ?? null, 0)))
    return { program: this.session.compile(graph, { loss: 'loss' }), batch: { sizes: {}, inputs: builder.given } }
  }

  /** A step that updates one parameter, whose gradient is zero as the loss is of another one. */
  async update(shape: readonly number[]): Promise<KernelProgram & { readonly parameter: string }> {
    const { dtype } = this.definition
    const graph = new (native().Graph)(dtype)
    const parameter = 'updated'
    await this.#define(new Map([[parameter, shape]]))
    this.session.setTrainable([parameter])
    const other = 'other'
    await this.#define(new Map([[other, [1, 1]]]))
    const one = new Float32Array(1)
    const given = { targets: one, loss_scale: one.map(() => 1) }
    const ids = [
      graph.parameter(other, [1, 1]).id,
      graph.input('targets', [1, 1], 'f32').id,
      graph.input('loss_scale', [1], 'f32').id,
    ]
    const [loss] = graph.node('mean_squared_error', 'loss', ids, {})
    if (loss === undefined) throw new Error('mean_squared_error has no loss')
    graph.output('loss', loss.id)
    const program = this.session.compile(graph, { loss: 'loss' })
    return { program, batch: { sizes: {}, inputs: given }, parameter }
  }

  dispose(): void {
    this.session.setTrainable([])
    for (const name of this.#defined.keys()) this.session.removeParameter(name)
  }

  async #define(parameters: ReadonlyMap<string, readonly number[]>): Promise<void> {
    for (const [name, shape] of parameters) {
      if (this.#defined.has(name)) continue
      this.session.defineParameter(name, shape, this.definition.dtype)
      this.#defined.set(name, shape)
      await this.session.initParameter(name, { kind: 'uniform', value: 1, seed: this.#defined.size })
    }
  }
}

interface Place {
  /** Which set of its inputs the node reads. */
  readonly turn: number
  readonly path: string
  readonly forward?: readonly number[]
}

class Builder {
  readonly parameters = new Map<string, readonly number[]>()
  readonly given: Record<string, Int32Array | Float32Array> = {}
  /** The same input of forward and backward pass is one tensor. */
  readonly #known: KernelInput[]

  constructor(
    private readonly graph: InstanceType<ReturnType<typeof native>['Graph']>,
    { forward, inputs }: KernelCase,
  ) {
    this.#known = [...(forward?.inputs ?? []), ...inputs]
  }

  /** Ids of the node's outputs. */
  node({ op, attributes, inputs }: KernelNode, place: Place): number[] {
    const ids = inputs.map((input, at) => this.#input(input, at, place))
    return this.graph.node(op, place.path, ids, attributes).map(({ id }) => id)
  }

  nameOf(input: KernelInput, turn: number): string {
    return `input ${this.#known.indexOf(input)} set ${turn}`
  }

  #input(input: KernelInput, at: number, { turn, forward = [] }: Place): number {
    if (input === null) return -1
    switch (input.kind) {
      case 'set': {
        const name = this.nameOf(input, turn)
        this.parameters.set(name, input.shape)
        return this.graph.parameter(name, input.shape).id
      }
      case 'integers': {
        const name = `integers ${this.#known.indexOf(input)}`
        this.given[name] = input.values
        return this.graph.input(name, input.shape, 'i32').id
      }
      case 'floats': {
        const name = `floats ${this.#known.indexOf(input)}`
        this.given[name] = new Float32Array(elementsOf(input.shape)).fill(input.value)
        return this.graph.input(name, input.shape, 'f32').id
      }
      case 'state':
        return this.graph.state(`state ${at}`, input.shape).id
      case 'forward': {
        const id = forward[input.output]
        if (id === undefined) throw new Error(`the forward pass has no output ${input.output}`)
        return id
      }
    }
  }
}

/** Operations and bytes of one run. The session need only plan, and then takes no memory. */
export function costOf(session: NativeSession, definition: KernelCase): KernelCost {
  const { dtype, forward, op, attributes, inputs, how, trained = [] } = definition
  if (how === 'optimizer') return optimizerCost(op, dtype, elementsOf(updated(definition)))
  const graph = new (native().Graph)(dtype)
  const builder = new Builder(graph, definition)
  const before = forward === undefined ? [] : builder.node(forward, { turn: 0, path: 'forward' })
  const [first] = builder.node({ op, attributes, inputs }, { turn: 0, path: 'once', forward: before })
  if (how === 'root' && first !== undefined) graph.output('loss', first)
  for (const [name, shape] of builder.parameters) session.defineParameter(name, shape, dtype)
  try {
    const wrt = trained.map((at) => builder.nameOf(inputs[at] ?? null, 0))
    const program = session.compile(graph, how === 'root' ? { loss: 'loss', wrt } : {})
    const cost = program.costs({ sizes: {}, inputs: integersOf(builder.given) }).find((each) => each.op === op)
    program.dispose()
    if (cost === undefined) throw new Error(`${op} is not in its own program`)
    return { ...cost, bytes: definition.bytes ?? cost.bytes }
  } finally {
    for (const name of builder.parameters.keys()) session.removeParameter(name)
  }
}

/** Shape of the parameter that an optimizer's kernel runs over. */
export function updated({ inputs, op }: KernelCase): readonly number[] {
  const [parameter] = inputs
  if (parameter?.kind !== 'set') throw new Error(`${op} has no parameter`)
  return parameter.shape
}

function integersOf(given: Readonly<Record<string, Int32Array | Float32Array>>): Record<string, Int32Array> {
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, Int32Array] => entry[1] instanceof Int32Array),
  )
}

function setsOf({ inputs, forward }: KernelCase): (readonly number[])[] {
  return [...inputs, ...(forward?.inputs ?? [])].flatMap((input) => (input?.kind === 'set' ? [input.shape] : []))
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
