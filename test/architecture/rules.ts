/** The rules on the shape of the sources, as pure functions over paths and texts. `architecture.test.ts` holds them against the tree. */

export interface SourceFile {
  /** Relative to the repository root, with forward slashes. */
  readonly path: string
  readonly text: string
}

export interface Layers {
  /** The folder the units stand in. A unit is a folder there, or a file named without its extension. */
  readonly root: string
  /** Top first. A unit may use every unit of the rows below its own. */
  readonly rows: readonly (readonly string[])[]
  /** Arrows between units of one row that are wanted all the same, as `from -> to`. */
  readonly sideways: readonly string[]
}

export const nativeLayers: Layers = {
  root: 'native',
  // The compiler alone includes what is in `precompiled`.
  rows: [
    ['precompiled'],
    ['binding'],
    ['engine'],
    ['optim'],
    ['graph'],
    ['ops', 'data'],
    ['kernels'],
    ['backend'],
    ['core'],
  ],
  sideways: [],
}

export const libLayers: Layers = {
  root: 'lib',
  rows: [
    ['index'],
    ['cli', 'server'],
    ['jobs', 'bench'],
    ['train', 'evaluate', 'predict', 'generate'],
    ['inspect'],
    ['prepare'],
    ['models', 'data', 'tokenizer', 'export', 'page'],
    ['nn'],
    ['graph', 'profile', 'session', 'config-file'],
    ['native', 'hub'],
    ['abort', 'check-options', 'options', 'nearest', 'package-version', 'replace-atomically', 'task'],
    ['errors'],
  ],
  sideways: [
    'data -> tokenizer',
    // What a model writes is measured too.
    'evaluate -> generate',
    // A run measures its validation rows.
    'train -> evaluate',
    'models -> tokenizer',
    'models -> export',
    'check-options -> nearest',
    'options -> nearest',
  ],
}

/** `native/core/error.h` -> `core`; `lib/errors.ts` -> `errors`. */
function unitOf(layers: Layers, path: string): string {
  const rest = path.slice(layers.root.length + 1)
  const slash = rest.indexOf('/')
  return slash < 0 ? rest.replace(/\.[a-z]+$/, '') : rest.slice(0, slash)
}

/** What a file uses of its own tree, as paths from the repository root. */
export function dependenciesOf(layers: Layers, file: SourceFile): string[] {
  if (layers.root === 'native') {
    return [...file.text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map(([, path]) => `native/${path}`)
  }
  const specifiers = file.text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)
  const folder = file.path.slice(0, file.path.lastIndexOf('/'))
  return [...specifiers].map(([, specifier]) => new URL(specifier!, `file:///${folder}/`).pathname.slice(1))
}

/** Every arrow that does not point down, and every unit the table does not know. */
export function layeringProblems(layers: Layers, files: readonly SourceFile[]): string[] {
  const rowOf = new Map(layers.rows.flatMap((units, row) => units.map((unit) => [unit, row] as const)))
  return files.flatMap((file) => {
    const from = unitOf(layers, file.path)
    const fromRow = rowOf.get(from)
    if (fromRow === undefined) return [`${file.path}: '${from}' has no place in the table of layers`]
    return dependenciesOf(layers, file).flatMap((path) => {
      const to = unitOf(layers, path)
      const toRow = path.startsWith(`${layers.root}/`) ? rowOf.get(to) : undefined
      if (toRow === undefined) return [`${file.path}: uses ${path}, which has no place in the table of layers`]
      const allowed = to === from || toRow > fromRow || layers.sideways.includes(`${from} -> ${to}`)
      return allowed ? [] : [`${file.path}: ${from} -> ${to} does not point down (${path})`]
    })
  })
}

const nodeHeaders = /^\s*#\s*include\s+[<"](?:napi|node_api|js_native_api|node|v8|uv)\.h[>"]/m
const intrinsicHeaders = /^\s*#\s*include\s+[<"](?:\w*mmintrin|immintrin|x86intrin|arm_neon|arm_sve|arm_bf16)\.h[>"]/m
const mayHoldIntrinsics = /^native\/kernels\/cpu\/(?:simd\.h$|simd\/|gemm\/microkernel[^/]*\.h$)/

/** Foreign headers outside the one place that each has. The precompiled header may name any: no file includes it. */
export function headerProblems(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => !path.startsWith('native/precompiled/'))
  return sources.flatMap(({ path, text }) => [
    ...(nodeHeaders.test(text) && !path.startsWith('native/binding/')
      ? [`${path}: only native/binding knows JavaScript`]
      : []),
    ...(intrinsicHeaders.test(text) && !mayHoldIntrinsics.test(path)
      ? [`${path}: only simd.h, simd/ and the gemm microkernel headers hold intrinsics`]
      : []),
  ])
}

const saysNothing = /^(?:utils?|helpers?|common|misc)$/

/** Names that say nothing about what is inside. */
export function nameProblems(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    path.split(/[/_.-]/).some((word) => saysNothing.test(word)) ? [`${path}: the name says nothing`] : [],
  )
}

const longest = 600

export function lengthProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    return lines > longest ? [`${path}: ${lines} lines, at most ${longest}: split it`] : []
  })
}
