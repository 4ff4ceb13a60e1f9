import type { ShapeName } from './rows.js'
import { isGiven, type Fields, type Shape } from './shape.js'
import { shapeFor, shapes } from './shapes.js'

/** How rows are read: as what, from which of their fields, and why. */
export interface Recognition {
  readonly shape: ShapeName
  /** How the rows are laid out, in words: "a conversation in the form of ShareGPT". */
  readonly form: string
  /** The fields that are read, by the names the rows give them. */
  readonly reads: readonly string[]
  /** Fields that the rows have beside them; `dataset.fieldsOf` gives their values. */
  readonly ignores: readonly string[]
  /** Other shapes that the rows could be read as, with the option `shape`. */
  readonly alternatives: readonly ShapeName[]
  /** All of this in one sentence. */
  readonly sentence: string
}

export interface RecognizeOptions {
  /** As what the rows are to be read. Default: as their fields show. */
  readonly shape?: ShapeName | undefined
  /** What the rows call a field, by its usual name. Default: the usual names. */
  readonly fields?: Readonly<Record<string, string>> | undefined
}

/** How a row such as this one is read; undefined where no shape fits. */
export function recognizeShape(
  row: Readonly<Record<string, unknown>>,
  { shape: wanted, fields: names }: RecognizeOptions = {},
): Recognition | undefined {
  const fields = renamed(row, names)
  const candidates = wanted === undefined ? shapes : shapes.filter(({ name }) => name === wanted)
  const shape = shapeFor(fields, candidates)
  if (shape === undefined) return undefined
  const ignores = unreadNames(shape, fields, row, names)
  return recognitionOf(shape, fields, { asked: wanted !== undefined, names, ignores })
}

type Names = RecognizeOptions['fields']

/** The fields under their usual names. */
export function renamed(fields: Fields, names: Names): Fields {
  if (names === undefined) return fields
  const theirs = new Set(Object.values(names))
  const others = Object.entries(fields).filter(([key]) => !theirs.has(key) && !Object.hasOwn(names, key))
  return Object.fromEntries([...others, ...Object.entries(names).map(([own, their]) => [own, fields[their]] as const)])
}

/** What the row calls a field of this name. */
function nameIn(names: Names, name: string): string {
  return names !== undefined && Object.hasOwn(names, name) ? (names[name] ?? name) : name
}

/** The row's own fields that the shape does not read. `fields` are the same under their usual names. */
export function unreadNames(shape: Shape, fields: Fields, own: Fields, names: Names): readonly string[] {
  const read = shape.reads(fields).map((name) => nameIn(names, name))
  return Object.keys(own).filter((name) => !read.includes(name))
}

/** What to tell about rows of this shape, one of which has these fields under their usual names. */
export function recognitionOf(
  shape: Shape,
  fields: Fields,
  how: { readonly asked: boolean; readonly names: Names; readonly ignores: readonly string[] },
): Recognition {
  const { asked, names, ignores } = how
  const given = shape.reads(fields).filter((name) => isGiven(fields[name]))
  const reads = given.map((name) => nameIn(names, name))
  const others = shapes.filter(
    (other) => other.name !== shape.name && other.parse !== shape.parse && other.detect(fields),
  )
  const alternatives = [...new Set(others.map(({ name }) => name))]
  const because = asked ? `because the option shape says so; read ${are(reads)}` : `because of ${list(reads)}`
  const beside = ignores.length === 0 ? '' : `; not read ${are(ignores)}`
  const shown = alternatives.map((name) => `'${name}'`).join(' or ')
  const choice = alternatives.length === 0 ? '' : ` (the option shape could say ${shown} instead)`
  return {
    shape: shape.name,
    form: shape.form,
    reads,
    ignores,
    alternatives,
    sentence: `each row is read as ${shape.form}, shape '${shape.name}', ${because}${beside}${choice}`,
  }
}

function are(names: readonly string[]): string {
  return `${names.length === 1 ? 'is' : 'are'} ${list(names)}`
}

function list(names: readonly string[]): string {
  const shown = names.length > 8 ? [...names.slice(0, 7), `${names.length - 7} more`] : names
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`
}
