/** Linear layers that read the same rows pack them once: the same bits as where each reads a copy of its own. */
import { describe, expect, test } from 'vitest'
import { native, type NativeArray, type NativeSession } from '../../lib/native.js'

interface Layer {
  readonly outputs: number
  readonly layout?: 'out_in' | 'in_out'
  /** Ranks of adapters beside it. */
  readonly rank?: number
  readonly scale?: number
}

interface SharedCase {
  readonly name: string
  readonly tokens: number
  readonly width: number
  readonly layers: readonly Layer[]
  /** Which of the layers read packed rows that others read too, and which of their weights' gradients. */
  readonly shares: readonly (readonly [layer: boolean, gradient: boolean])[]
}

const both = [true, true] as const
const alone = [false, false] as const
/** Layers of up to 48 outputs alone read their rows where they lie, on processors with the widest vectors. */
const cases: readonly SharedCase[] = [
  {
    name: 'queries, keys and values, of more than one block of depth',
    tokens: 70,
    width: 850,
    layers: [{ outputs: 150 }, { outputs: 50 }, { outputs: 56 }],
    shares: [both, both, both],
  },
  {
    name: 'a wide layer and a narrow one',
    tokens: 21,
    width: 90,
    layers: [{ outputs: 1600 }, { outputs: 56 }],
    shares: [both, both],
  },
  {
    name: 'weights stored (in, out)',
    tokens: 40,
    width: 70,
    layers: [
      { outputs: 60, layout: 'in_out' },
      { outputs: 52, layout: 'in_out' },
    ],
    shares: [both, both],
  },
  {
    // Only ranks of equal length make equal panels of x and what is behind it; the gradients of the weights read x alone.
    name: 'layers with adapters',
    tokens: 37,
    width: 440,
    layers: [
      { outputs: 64, rank: 8 },
      { outputs: 48, rank: 8 },
      { outputs: 32, rank: 35 },
    ],
    shares: [both, both, [false, true]],
  },
  {
    name: 'layers that scale x otherwise',
    tokens: 30,
    width: 24,
    layers: [{ outputs: 56 }, { outputs: 56, scale: 0.5 }, { outputs: 57 }],
    shares: [both, [false, true], both],
  },
  {
    name: 'more than one block of rows',
    tokens: 4200,
    width: 20,
    layers: [{ outputs: 50 }, { outputs: 64 }],
    shares: [both, both],
  },
  {
    name: 'more than one block of columns',
    tokens: 830,
    width: 410,
    layers: [{ outputs: 800 }, { outputs: 50 }],
    shares: [both, both],
  },
  {
    name: 'more than one slab of depth',
    tokens: 600,
    width: 1100,
    layers: [{ outputs: 410 }, { outputs: 620 }],
    shares: [both, both],
  },
  {
    name: 'few rows: they are not packed',
    tokens: 9,
    width: 64,
    layers: [{ outputs: 48 }, { outputs: 48 }],
    shares: [
      [false, true],
      [false, true],
    ],
  },
  { name: 'one layer', tokens: 40, width: 64, layers: [{ outputs: 48 }], shares: [alone] },
]

const wavy = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(1 + step * i))

/** Not toEqual: of a million numbers that takes seconds. */
const expectSameBits = (found: NativeArray, wanted: NativeArray) => {
  const bytes = ({ buffer, byteOffset, byteLength }: NativeArray) => Buffer.from(buffer, byteOffset, byteLength)
  expect(bytes(found).compare(bytes(wanted))).toBe(0)
}

/** `apart`: each layer reads a copy of the rows. */
async function layersOf(
  session: NativeSession,
  { tokens, width, layers }: SharedCase,
  dtype: 'f32' | 'bf16',
  apart: boolean,
) {
  const graph = new (native().Graph)(dtype)
  const parameter = async (name: string, shape: readonly [number, number]) => {
    session.defineParameter(name, shape, dtype)
    await session.writeParameter(name, wavy(shape[0] * shape[1], 0.1 + name.length * 0.07))
    return graph.parameter(name, shape).id
  }
  const x = await parameter('x', [tokens, width])
  const copy = () => graph.node('scale', 'copy', [x], { factor: 1 })[0]!.id
  const rows = copy()
  const read = layers.map(() => (apart ? copy() : rows))
  const seeds: Record<string, string> = {}
  for (const [i, { outputs, layout = 'out_in', rank, scale = 1 }] of layers.entries()) {
    const weight = await parameter(`weight${i}`, layout === 'out_in' ? [outputs, width] : [width, outputs])
    const lowRank: number[] = []
    if (rank !== undefined) {
      const a = await parameter(`lora_A${'_'.repeat(i)}`, [rank, width])
      lowRank.push(graph.node('linear', `lora${i}`, [read[i]!, a], {})[0]!.id)
      lowRank.push(await parameter(`lora_B${'_'.repeat(i)}`, [outputs, rank]))
    }
    const [y] = graph.node('linear', `layer${i}`, [read[i]!, weight, -1, ...lowRank], { layout, scale })
    graph.output(`y${i}`, y!.id)
    seeds[`y${i}`] = `dy${i}`
    await parameter(`dy${i}`, [tokens, outputs])
  }
  session.setTrainable(layers.map((_, i) => `weight${i}`))
  return { program: session.compile(graph, { seeds }), forward: session.compile(graph) }
}

async function results(
  definition: SharedCase,
  dtype: 'f32' | 'bf16',
  instructionSet: string,
  threads: number,
  apart: boolean,
) {
  const session = new (native().Session)({ threads, instructionSet })
  try {
    const { program, forward } = await layersOf(session, definition, dtype, apart)
    const batch = { sizes: {}, inputs: {} }
    const names = definition.layers.map((_, i) => `y${i}`)
    const outputs = await session.run(program, batch, { fetch: names })
    const gradients = await Promise.all(names.map((_, i) => session.readGradient(`weight${i}`)))
    const last = names.at(-1)!
    const lastAlone = await session.run(forward, batch, { fetch: [last] })
    const shared = (op: string, path: string) => program.costs(batch).find((cost) => cost.op === op && cost.path === path)?.sharesInput // prettier-ignore
    return {
      outputs: names.map((name) => outputs[name]!),
      gradients,
      lastAlone: lastAlone[last]!,
      shares: names.map((_, i) => [shared('linear', `layer${i}`), shared('linear_weight_gradient', `layer${i}`)]),
    }
  } finally {
    session.dispose()
  }
}

describe.each(native().processor().instructionSets)('on %s', (instructionSet) => {
  describe.each(['f32', 'bf16'] as const)('in %s', (dtype) => {
    test.each(cases)('$name', async (definition) => {
      const apart = await results(definition, dtype, instructionSet, 1, true)
      expect(apart.shares).toEqual(definition.layers.map(() => alone))
      expect(apart.outputs.every((output) => output.some((value) => value !== 0))).toBe(true)
      for (const threads of [1, 3]) {
        const together = await results(definition, dtype, instructionSet, threads, false)
        expect(together.shares).toEqual(definition.shares)
        together.outputs.forEach((output, i) => expectSameBits(output, apart.outputs[i]!))
        together.gradients.forEach((gradient, i) => expectSameBits(gradient, apart.gradients[i]!))
        expectSameBits(together.lastAlone, together.outputs.at(-1)!)
      }
    })
  })
})
