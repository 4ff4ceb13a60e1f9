import { parse, tokenize, type TemplateNode, type TemplateProgram } from './jinja.js'
import { jsonDumps, type JsonDumpsOptions } from './json-dumps.js'

// @huggingface/jinja differs from Python's Jinja in two filters that chat templates lean on: string filters refuse
// an undefined value (Python's see ''), and `tojson` ignores positional arguments and sorts keys by locale. Both are
// put right on the parsed template, so that the library stays the interpreter.

/** The name templates never see: `x | tojson(indent=2)` becomes `__json_dumps([x], indent=2)`. */
export const jsonDumpsName = '__json_dumps'

/** Variables that stand for `{% generation %}` and `{% endgeneration %}`; '' unless spans are wanted. */
export const generationStartName = '__generation_start'
export const generationEndName = '__generation_end'

const stringFilters = new Set([
  'trim',
  'upper',
  'lower',
  'title',
  'capitalize',
  'string',
  'replace',
  'indent',
  'length',
])
const generationTag = /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g

/** Counts of the opening and closing generation tags of a template. */
export function countGenerationTags(source: string): { readonly opening: number; readonly closing: number } {
  const tags = [...source.matchAll(generationTag)]
  const closing = tags.filter((tag) => tag[2] === 'end').length
  return { opening: tags.length - closing, closing }
}

/** Parses a chat template with trim_blocks and lstrip_blocks, as transformers does. Throws a SyntaxError. */
export function parseTemplate(source: string): TemplateProgram {
  // A tag becomes a statement that writes a variable, not a bare expression: only statements are trimmed around.
  const marked = source.replace(generationTag, (_tag, before: string, end: string | undefined, after: string) => {
    const name = end === 'end' ? generationEndName : generationStartName
    return `{%${before} if true %}{{ ${name} }}{% endif ${after}%}`
  })
  const program = parse(tokenize(marked, { trim_blocks: true, lstrip_blocks: true }))
  rewrite(program)
  return program
}

/**
 * Whether all that the generation tags enclose is written as it is rendered: they stand in branches and loops alone, not in what a
 * template keeps, filters or calls (`set`, `filter`, `macro`, `call`) and may change before it writes it.
 */
export function tagsAreWrittenStraight(program: TemplateProgram): boolean {
  return program.body.every(isWrittenStraight)
}

function isWrittenStraight(statement: unknown): boolean {
  if (!isNode(statement)) return true
  if (isGenerationVariable(statement)) return true
  const bodies = writtenBodies[statement.type] ?? []
  return Object.entries(statement).every(([field, value]) =>
    bodies.includes(field) && Array.isArray(value) ? value.every(isWrittenStraight) : !holdsTags(value),
  )
}

/** Fields of statements whose text is written where the statement stands. */
const writtenBodies: Readonly<Record<string, readonly string[]>> = {
  If: ['body', 'alternate'],
  For: ['body', 'defaultBlock'],
}

function holdsTags(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsTags)
  if (value instanceof Map) return [...value].some(([key, entry]) => holdsTags(key) || holdsTags(entry))
  return isNode(value) && (isGenerationVariable(value) || Object.values(value).some(holdsTags))
}

function isGenerationVariable({ type, value }: TemplateNode): boolean {
  return type === 'Identifier' && (value === generationStartName || value === generationEndName)
}

/**
 * The function behind `tojson`. The interpreter hands over bare values, in which none and undefined are the same, but
 * leaves what is inside a list as its own objects: so the value comes in a list of one.
 */
export function jsonDumpsForTemplate([value]: readonly unknown[], ...rest: readonly unknown[]): string {
  const options: Record<string, unknown> = {}
  const positions: readonly (keyof JsonDumpsOptions)[] = ['ensure_ascii', 'indent', 'separators', 'sort_keys']
  rest.forEach((argument, index) => {
    const name = positions[index]
    if (argument instanceof Map) for (const [key, entry] of argument) options[String(key)] = plain(entry)
    else if (name !== undefined) options[name] = plain(argument)
  })
  return jsonDumps(plain(value), options)
}

/** The interpreter's value objects (`{ type, value }`, Maps for mappings) as plain JavaScript. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [String(key), plain(entry)]))
  if (Array.isArray(value)) return value.map(plain)
  if (isNode(value) && value.type === 'NullValue') return null
  if (isNode(value)) return value.type === 'UndefinedValue' ? undefined : plain(value['value'])
  return value
}

function isNode(value: unknown): value is TemplateNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function rewrite(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewrite)
  if (value instanceof Map) return new Map([...value].map(([key, entry]) => [rewrite(key), rewrite(entry)]))
  if (!isNode(value)) return value
  for (const key of Object.keys(value)) value[key] = rewrite(value[key])
  return value.type === 'FilterExpression' ? rewriteFilter(value) : value
}

function rewriteFilter(node: TemplateNode): TemplateNode {
  const filter = node['filter']
  if (!isNode(filter)) return node
  const callee = filter.type === 'CallExpression' ? filter['callee'] : filter
  const name = isNode(callee) ? callee['value'] : undefined
  if (name === 'tojson') {
    const call = expression(`${jsonDumpsName}()`)
    const list = expression('[]')
    list['value'] = [node['operand']]
    const args = filter.type === 'CallExpression' && Array.isArray(filter['args']) ? (filter['args'] as unknown[]) : []
    call['args'] = [list, ...args]
    return call
  }
  if (typeof name === 'string' && stringFilters.has(name)) {
    const orEmpty = expression("0 | default('')")
    orEmpty['operand'] = node['operand']
    node['operand'] = orEmpty
  }
  return node
}

function expression(source: string): TemplateNode {
  const node: unknown = parse(tokenize(`{{ ${source} }}`)).body[0]
  if (!isNode(node)) throw new TypeError(`not an expression: ${source}`)
  return node
}
