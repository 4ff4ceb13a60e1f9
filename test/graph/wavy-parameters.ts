import type { NativeGraph, NativeSession } from '../../lib/native.js'

/** Defines parameters of these shapes with values that differ, and names them in the graph. Gives each one's id. */
export async function wavyParameters<Name extends string>(
  session: NativeSession,
  graph: NativeGraph,
  shapes: Readonly<Record<Name, readonly number[]>>,
  dtype: 'f32' | 'bf16' = 'f32',
): Promise<(name: Name) => number> {
  const ids = new Map<string, number>()
  for (const [name, shape] of Object.entries<readonly number[]>(shapes)) {
    session.defineParameter(name, shape, dtype)
    const count = shape.reduce((product, size) => product * size, 1)
    await session.writeParameter(
      name,
      Float32Array.from({ length: count }, (_, i) => Math.sin(i + name.length)),
    )
    ids.set(name, graph.parameter(name, shape).id)
  }
  return (name) => ids.get(name) ?? -1
}
