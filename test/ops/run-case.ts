import { native, type NativeArray, type NativeProgram, type NativeSession } from '../../lib/native.js'
import type { OpCases } from './op-case.js'
import type { FilledCase } from './oracle.js'
import type { CaseDtype } from './tolerance.js'

export interface CaseResult {
  readonly outputs: readonly NativeArray[]
  /** By input index. */
  readonly gradients: ReadonlyMap<number, Float32Array>
  /** Float inputs read back after the run: a kernel may write to its outputs only. */
  readonly inputs: ReadonlyMap<number, Float32Array>
}

/** Leaves the session's arena full of NaN, so that a kernel that reads scratch or neighbours it did not write is found out. */
async function poison(session: NativeSession, dtype: CaseDtype): Promise<void> {
  const graph = new (native().Graph)(dtype)
  const count = 1 << 18
  graph.output('poison', graph.input('poison', [count], 'f32').id)
  const program = session.compile(graph)
  await session.run(program, { sizes: {}, inputs: { poison: new Float32Array(count).fill(NaN) } }, { fetch: [] })
  program.dispose()
}

/** One node in a graph of its own. Every float input is a parameter: they have the graph's dtype and readable gradients. */
export async function runCase(
  session: NativeSession,
  suite: OpCases,
  filled: FilledCase,
  dtype: CaseDtype,
): Promise<CaseResult> {
  const { definition, values } = filled
  const graph = new (native().Graph)(dtype)
  const inputs: Record<string, NativeArray> = {}
  const parameters: string[] = []
  const trainable: string[] = []
  const define = async (name: string, shape: readonly number[], data: Float32Array) => {
    session.defineParameter(name, shape, dtype)
    parameters.push(name)
    await session.writeParameter(name, data)
    return graph.parameter(name, shape).id
  }
  let program: NativeProgram | undefined
  try {
    const ids: number[] = []
    for (const [index, input] of definition.inputs.entries()) {
      const data = values[index]
      if (input === null || data === null || data === undefined) {
        ids.push(-1)
      } else if (input.kind === 'float') {
        ids.push(await define(`input${index}`, input.shape, data as Float32Array))
        if (filled.gradients.some((gradient) => gradient.input === index)) trainable.push(`input${index}`)
      } else {
        ids.push(graph.input(`input${index}`, input.shape, input.kind === 'integer' ? 'i32' : 'f32').id)
        inputs[`input${index}`] = data
      }
    }
    const outputs = graph.node(suite.op, 'case', ids, definition.attributes)
    const fetch = filled.outputs.map((_, index) => `output${index}`)
    fetch.forEach((name, index) => graph.output(name, outputs[index]!.id))
    const differentiates = trainable.length > 0
    if (differentiates && suite.loss === undefined) {
      await define('seed', filled.outputs[0]!.shape, filled.seed)
    }
    session.setTrainable(trainable)
    const root = suite.loss === undefined ? { seeds: { output0: 'seed' } } : { loss: 'output0' }
    program = session.compile(graph, differentiates ? root : {})
    await poison(session, dtype)
    const fetched = await session.run(program, { sizes: {}, inputs }, { fetch, random: { seed: 0, draw: 0 } })
    const gradients = new Map<number, Float32Array>()
    const readBack = new Map<number, Float32Array>()
    for (const [index, input] of definition.inputs.entries()) {
      if (input?.kind !== 'float') continue
      const name = `input${index}`
      readBack.set(index, await session.readParameter(name))
      if (trainable.includes(name)) gradients.set(index, await session.readGradient(name))
    }
    return { outputs: fetch.map((name) => fetched[name]!), gradients, inputs: readBack }
  } finally {
    program?.dispose()
    session.setTrainable([])
    for (const name of parameters) session.removeParameter(name)
  }
}
