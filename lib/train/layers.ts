/** A model in layers, from the bottom: embeddings, each block, and what comes after them. For rates and unfreezing by depth. */
import type { Model } from '../models/model.js'

/**
 * The parameters' names, layer by layer, an adapter's with the layer that it sits in. Blocks of an encoder lie below those of its
 * decoder; what comes between goes with the block before. Layers without parameters are left out.
 */
export function layersOf(model: Pick<Model, 'parameters' | 'definition'>): string[][] {
  const names = [...model.parameters()].map(({ name }) => name)
  const base = names.filter((name) => !name.startsWith(peftPrefix))
  // Parameters come in the order of the model's diagram: what is named before the first block lies below it.
  const modules = new Map<string, number>()
  const blocks: string[] = []
  for (const name of base) {
    const block = blockOf(name)
    if (block !== undefined && !blocks.includes(block)) blocks.push(block)
    if (block === undefined) modules.set(moduleOf(name), blocks.length)
  }
  // After the last block stands the head, unless its matrix is the embedding's.
  const { definition } = model
  const top = blocks.length + (definition.tied && !hasHead(modules, blocks.length, definition.finalNorm) ? 0 : 1)
  const layerOf = (name: string): number => {
    const block = blockOf(name)
    if (block !== undefined) return blocks.indexOf(block) + 1
    const path = name.startsWith(peftPrefix) ? name.slice(peftPrefix.length) : name
    const [, layer = 0] = [...modules].find(([module]) => path === module || path.startsWith(`${module}.`)) ?? []
    return layer === blocks.length ? top : layer
  }
  const layers = Array.from({ length: blocks.length + 2 }, (): string[] => [])
  for (const name of names) layers[layerOf(name)]?.push(name)
  return layers.filter((layer) => layer.length > 0)
}

const peftPrefix = 'base_model.model.'

/** `model.layers.3` of `model.layers.3.mlp.up_proj.weight`, and of an adapter's parameter there. */
function blockOf(name: string): string | undefined {
  const path = name.startsWith(peftPrefix) ? name.slice(peftPrefix.length) : name
  return /^(.*?\.\d+)\./.exec(path)?.[1]
}

function moduleOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}

/** Whether anything but the last norm comes after the blocks. */
function hasHead(modules: ReadonlyMap<string, number>, blocks: number, finalNorm: string | undefined): boolean {
  return [...modules].some(([module, layer]) => layer === blocks && module !== finalNorm)
}
