import { AttuneError } from '../errors.js'
import { native, type NativeAttributes, type NativeDimension, type NativeGraph, type NativeValue } from '../native.js'
import { stream } from './stream.js'

export type Value = NativeValue

/** `train`: dropout on. `evaluate`: dropout off. `decode`: dropout off, attention goes through key/value caches. */
export type GraphMode = 'train' | 'evaluate' | 'decode'

/** What a parameter is for: decides its initial value and whether weight decay leaves it out. */
export type ParameterRole = 'weight' | 'embedding' | 'bias' | 'norm' | 'adapter'

export interface ParameterSpec {
  /** Hugging Face's name; PEFT's for an adapter's. */
  readonly name: string
  readonly shape: readonly number[]
  readonly role: ParameterRole
  /** Multiplies the standard deviation of the initial values. */
  readonly initScale: number
  /** Initial value of a norm's weight. */
  readonly initial: number
  /** This row starts as zeros and gets no gradient as an input. */
  readonly paddingIndex: number | undefined
}

/** A module that an adapter may sit on. */
export interface ModuleSpec {
  readonly path: string
  readonly kind: 'linear' | 'embedding'
  /** How the weight is stored; an embedding's table is (vocabulary, features). */
  readonly layout: 'out_in' | 'in_out'
  readonly inputs: number
  readonly outputs: number
}

/** The low-rank adapter of one module. */
export interface LowRank {
  readonly rank: number
  readonly scale: number
  readonly dropout: number
  /** Weight-decomposed (DoRA): the adapted weight's direction, times a learned magnitude per output. */
  readonly magnitude: boolean
}

/** Rows that stand in place of a table's. */
export interface TokenRows {
  /** Whose rows, in their order. */
  readonly ids: readonly number[]
  /** (ids, features) */
  readonly rows: Value
}

/** What an adapter changes in a graph. */
export interface AdapterGraph {
  /** By module path. */
  readonly lowRanks: ReadonlyMap<string, LowRank>
  /** Parameters that the adapter has its own copies of: the copy's name, by the parameter's. */
  readonly copies: ReadonlyMap<string, string>
  /** Tokens whose rows of a table the adapter has its own of, in the order of those rows, by module path. */
  readonly tokenRows: ReadonlyMap<string, readonly number[]>
}

/** Keys and values kept when decoding: slots, and tokens each may hold. */
export interface Cache {
  readonly slots: number
  readonly capacity: number
  /** Of an encoder-decoder: tokens of the encoder. */
  readonly encoderCapacity?: number | undefined
}

export interface GraphOptions {
  readonly dtype: 'f32' | 'bf16'
  readonly mode: GraphMode
  readonly adapter?: AdapterGraph | undefined
  /** Parameters that are held in fewer bits, and how. @default none */
  readonly quantized?: ReadonlyMap<string, 'int8' | 'nf4'> | undefined
  /** Of the noise on token embeddings in `train` mode. @default 0: none */
  readonly neftuneAlpha?: number
  /** For `decode`: sequences held at once, and tokens each may reach. */
  readonly cache?: Cache
}

interface Shared {
  readonly graph: NativeGraph
  readonly options: GraphOptions
  readonly inputs: Map<string, Value>
  readonly parameters: Map<string, ParameterSpec>
  readonly modules: Map<string, ModuleSpec>
}

/**
 * Writes a graph, node by node, into the core, which checks each one at once. A builder has a path
 * (`model.layers.3.self_attn`): the prefix of its parameters' names and the name of its nodes in errors and prints.
 */
export class GraphBuilder {
  private constructor(
    private readonly shared: Shared,
    readonly path: string,
  ) {}

  static create(options: GraphOptions, graph: NativeGraph = new (native().Graph)(options.dtype)): GraphBuilder {
    return new GraphBuilder({ graph, options, inputs: new Map(), parameters: new Map(), modules: new Map() }, '')
  }

  get graph(): NativeGraph {
    return this.shared.graph
  }

  get mode(): GraphMode {
    return this.shared.options.mode
  }

  get cache(): Cache {
    const cache = this.shared.options.cache
    if (cache === undefined) throw new AttuneError('internal', 'a decoding graph needs `cache`', { where: this.path })
    return cache
  }

  /** Of the noise on token embeddings in `train` mode; 0: none. */
  get neftuneAlpha(): number {
    return this.shared.options.neftuneAlpha ?? 0
  }

  /** The adapter of the module at this path. */
  get adapter(): LowRank | undefined {
    return this.shared.options.adapter?.lowRanks.get(this.path)
  }

  /** Rows in place of those of this module's table (tokens, features), where an adapter has such. */
  tokenRows(features: number): TokenRows | undefined {
    const ids = this.shared.options.adapter?.tokenRows.get(this.path)
    if (ids === undefined) return undefined
    return { ids, rows: this.adapterParameter('token_adapter.trainable_tokens_delta', [ids.length, features]) }
  }

  /** Every parameter the graph has named, in the order of the model's diagram. */
  get parameters(): ReadonlyMap<string, ParameterSpec> {
    return this.shared.parameters
  }

  get modules(): ReadonlyMap<string, ModuleSpec> {
    return this.shared.modules
  }

  /** The builder of the module `name` inside this one. */
  in(name: string): GraphBuilder {
    return new GraphBuilder(this.shared, this.path === '' ? name : `${this.path}.${name}`)
  }

  /** One builder per block of a stack: `name.0`, `name.1`, … */
  *blocks(name: string, count: number): Generator<GraphBuilder> {
    for (let i = 0; i < count; i++) yield this.in(`${name}.${i}`)
  }

  /** The parameter `name` of this module. */
  parameter(
    name: string,
    shape: readonly number[],
    role: ParameterRole,
    options: { initScale?: number; initial?: number; paddingIndex?: number | undefined } = {},
  ): Value {
    const own = `${this.path}.${name}`
    const copy = this.shared.options.adapter?.copies.get(own)
    const { initScale = 1, initial = 1, paddingIndex } = options
    return this.#declare({ name: copy ?? own, shape, role, initScale, initial, paddingIndex })
  }

  /** A parameter of this module's adapter, under PEFT's name. */
  adapterParameter(name: string, shape: readonly number[]): Value {
    const spec = { name: `base_model.model.${this.path}.${name}`, shape, role: 'adapter' as const }
    return this.#declare({ ...spec, initScale: 1, initial: 1, paddingIndex: undefined })
  }

  /** Notes that an adapter may sit on this module. */
  declareModule(module: Omit<ModuleSpec, 'path'>): void {
    this.shared.modules.set(this.path, { path: this.path, ...module })
  }

  input(name: string, shape: readonly NativeDimension[], dtype: 'f32' | 'i32', below?: NativeDimension): Value {
    const known = this.shared.inputs.get(name)
    if (known !== undefined) return known
    const value = this.shared.graph.input(name, shape, dtype, below)
    this.shared.inputs.set(name, value)
    return value
  }

  /** Memory of the program under this path, zeros at first. */
  state(name: string, shape: readonly number[]): Value {
    return this.shared.graph.state(`${this.path}.${name}`, shape)
  }

  /** A node at this path; `undefined` stands for an absent input. Attributes that are `undefined` are left out. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, NativeAttributes[string] | undefined>>,
  ): Value[] {
    const given: Record<string, NativeAttributes[string]> = {}
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined) given[key] = value
    const ids = inputs.map((input) => input?.id ?? -1)
    return this.shared.graph.node(op, this.path, ids, given)
  }

  /** The output of a node that has one. */
  value(...node: Parameters<GraphBuilder['node']>): Value {
    const [value] = this.node(...node)
    if (value === undefined) throw new AttuneError('internal', `the core made a node without outputs: ${node[0]}`)
    return value
  }

  output(name: string, value: Value): void {
    this.shared.graph.output(name, value.id)
  }

  /** The random stream of a node at this path. */
  get stream(): number {
    return stream(this.path)
  }

  #declare(spec: ParameterSpec): Value {
    const known = this.shared.parameters.get(spec.name)
    if (known === undefined) this.shared.parameters.set(spec.name, spec)
    return this.shared.graph.parameter(spec.name, spec.shape, this.shared.options.quantized?.get(spec.name))
  }
}

/** The last size of a value, which is always known: activations are (tokens, features). */
export function features(value: Value): number {
  const size = value.shape.at(-1)
  if (typeof size !== 'number') throw new AttuneError('internal', 'the last size of an activation must be a number')
  return size
}

/** Of an op that drops: `p` and its random stream, in training. */
export function dropoutAttributes(g: GraphBuilder, p: number): { p: number | undefined; stream: number | undefined } {
  return g.mode === 'train' && p > 0 ? { p, stream: g.stream } : { p: undefined, stream: undefined }
}
