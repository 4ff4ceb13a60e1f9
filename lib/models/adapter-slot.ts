/** The place on a model where an adapter is put on, merged, switched off and taken off again. */
import { AttuneError } from '../errors.js'
import type { AdapterGraph } from '../graph/builder.js'
import type { HubSourceOptions } from '../hub/local-copy.js'
import type { LoraConfig } from '../nn/lora.js'
import { makeAdapter, merge, mergedWeights, unmerge, type Adapter, type AdapterHost } from './adapter.js'
import { adapterDirectory } from './model-source.js'
import type { ParameterSet } from './parameter-set.js'

export interface AddAdapterOptions extends HubSourceOptions {
  /** A PEFT directory, or the id of one on the Hub. @default the adapter starts with random values */
  readonly from?: string
  /** Of its random values. @default the model's */
  readonly seed?: number
}

export class AdapterSlot {
  #adapter: Adapter | undefined
  #off = false

  /** @param train says what is trained from now on; what was compiled before is dropped then */
  constructor(
    private readonly host: () => AdapterHost,
    private readonly parameters: ParameterSet,
    private readonly train: (names: ReadonlySet<string>) => void,
  ) {}

  get config(): LoraConfig | undefined {
    return this.#adapter?.config
  }

  /** What the graph carries of the adapter: nothing once it is merged, or while it is switched off. */
  get graph(): AdapterGraph | undefined {
    return this.#off ? undefined : this.unmerged?.placed
  }

  /** The adapter, unless its weights are in the model's. */
  get unmerged(): Adapter | undefined {
    return this.#adapter?.before === undefined ? this.#adapter : undefined
  }

  async add(config: LoraConfig | undefined, { from, seed, ...source }: AddAdapterOptions): Promise<void> {
    if (this.#adapter !== undefined) {
      const message = 'The model has an adapter: remove it first, or save the merged model and load that.'
      throw new AttuneError('invalid-option', message, { where: 'adapter' })
    }
    const host = this.host()
    const seeded = { ...host, seed: seed ?? host.seed }
    const directory = from === undefined ? undefined : await adapterDirectory(from, source)
    const adapter = await makeAdapter(seeded, config, directory, this.parameters.trainable)
    this.#adapter = adapter
    this.parameters.adapter = adapter.parameters
    this.train(new Set(adapter.parameters.map(({ name }) => name)))
  }

  async merge(): Promise<void> {
    const adapter = this.#present()
    if (adapter.before !== undefined) return
    await merge(this.host(), adapter, this.parameters.trainable)
    this.train(new Set())
  }

  async unmerge(): Promise<void> {
    const adapter = this.#present()
    if (adapter.before === undefined) return
    const { session } = this.host()
    this.train(adapter.before.trainable)
    this.parameters.tell(session)
    await unmerge(session, adapter)
  }

  /** @throws AttuneError 'invalid-option' where there is no adapter */
  isMerged(): boolean {
    return this.#present().before !== undefined
  }

  switchOff(off: boolean): void {
    this.#off = off
  }

  async remove(): Promise<void> {
    const adapter = this.#present()
    await this.unmerge()
    this.#adapter = undefined
    this.parameters.adapter = []
    this.train(adapter.trainableBefore)
    const { session } = this.host()
    for (const { name } of adapter.parameters) session.removeParameter(name)
  }

  /** Weights with the adapter multiplied in, by parameter name; none where it is in them already. */
  async mergedWeights(): Promise<ReadonlyMap<string, Float32Array>> {
    return this.unmerged === undefined ? new Map() : mergedWeights(this.host(), this.unmerged)
  }

  #present(): Adapter {
    if (this.#adapter !== undefined) return this.#adapter
    throw new AttuneError('invalid-option', 'The model has no adapter.', { where: 'adapter' })
  }
}
