/** The options of Python's json.dumps that templates use, with Python's names. */
export interface JsonDumpsOptions {
  readonly ensure_ascii?: boolean
  readonly indent?: number | string | null
  readonly separators?: readonly [string, string] | null
  readonly sort_keys?: boolean
}

/** Writes a JSON value as Python's json.dumps does; defaults are those of the `tojson` filter of transformers. */
export function jsonDumps(value: unknown, options: JsonDumpsOptions = {}): string {
  const indent = options.indent ?? null
  const unit = typeof indent === 'number' ? ' '.repeat(Math.max(indent, 0)) : (indent ?? '')
  const [itemSeparator, keySeparator] = options.separators ?? [indent === null ? ', ' : ',', ': ']

  const string = (text: string): string => {
    const quoted = JSON.stringify(text)
    return options.ensure_ascii === true ? quoted.replace(/[\u007f-\uffff]/g, escapeUnit) : quoted
  }
  const container = (open: string, items: readonly string[], close: string, depth: number): string => {
    if (items.length === 0) return open + close
    if (indent === null) return open + items.join(itemSeparator) + close
    const line = '\n' + unit.repeat(depth + 1)
    return open + line + items.join(itemSeparator + line) + '\n' + unit.repeat(depth) + close
  }
  const write = (item: unknown, depth: number): string => {
    if (item === null) return 'null'
    if (typeof item === 'string') return string(item)
    if (typeof item === 'number') return number(item)
    if (typeof item === 'boolean') return String(item)
    if (Array.isArray(item))
      return container(
        '[',
        item.map((entry) => write(entry, depth + 1)),
        ']',
        depth,
      )
    if (typeof item === 'object') {
      const entries = Object.entries(item)
      if (options.sort_keys === true) entries.sort(([a], [b]) => compareCodePoints(a, b))
      return container(
        '{',
        entries.map(([key, entry]) => string(key) + keySeparator + write(entry, depth + 1)),
        '}',
        depth,
      )
    }
    throw new TypeError(`a value of type ${typeof item} is not JSON serializable`)
  }
  return write(value, 0)
}

function escapeUnit(unit: string): string {
  // 0x7f is the one unit of the range that Python leaves alone.
  return unit === '\u007f' ? unit : '\\u' + unit.charCodeAt(0).toString(16).padStart(4, '0')
}

/** Python's repr pads exponents to two digits (1e-07) and goes exponential below 1e-4 already. */
function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  if (Number.isInteger(value)) return JSON.stringify(value)
  const size = Math.abs(value)
  const text = size < 1e-4 ? value.toExponential() : String(value)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a, (char) => char.codePointAt(0) ?? 0)
  const right = Array.from(b, (char) => char.codePointAt(0) ?? 0)
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
