/** The weights of a checkpoint: parameters by name, in float32. */
import type { ParameterSpec } from '../graph/builder.js'
import type { NativeSession } from '../native.js'
import { assignWeights, openFiles } from './weights.js'

export function saveTrainable(session: NativeSession, path: string, specs: readonly ParameterSpec[]): Promise<void> {
  const entries = specs.map(({ name, shape }) => ({ name, dtype: 'f32' as const, shape, parameter: name }))
  return session.saveSafetensors(path, entries, {})
}

/** Reads back what `saveTrainable` wrote. @throws AttuneError `weights-mismatch` where that is other parameters */
export async function loadTrainable(
  session: NativeSession,
  path: string,
  specs: readonly ParameterSpec[],
): Promise<void> {
  const files = openFiles(path, [path])
  try {
    const assigned = assignWeights(specs, files, (name) => name)
    for (const [name, { file, info }] of assigned) await session.writeParameter(name, file.read(info.name))
  } finally {
    files.close()
  }
}
