/** Finds the rows in JSON text that comes in blocks, without reading more than a row at a time. */
import { AttuneError } from '../../errors.js'
import { jsonItem, mostLevels, tooDeep } from './json-value.js'
import type { SourceItem } from './source-item.js'
import { tooLong } from './source-options.js'

export interface JsonScannerOptions {
  /** The names on the way to the rows. */
  readonly path: readonly string[]
  /** The rows are the values of an object; their names become this field. */
  readonly keyField: string | undefined
  /** 'list': the rows are in one list or object; 'values': they follow each other, with white space between. */
  readonly rows: 'list' | 'values'
  readonly maxBytes: number
}

/** What comes next. */
type State = 'value' | 'first' | 'inside' | 'after' | 'key' | 'key-text' | 'colon' | 'rest' | 'end'
/** What the value is for: part of the way to the rows, what holds them, a row, or nothing. */
type Purpose = 'way' | 'holder' | 'row' | 'none'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c
const openList = 0x5b
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d
const newline = 0x0a
/** Begins some files. */
const mark: readonly number[] = [0xef, 0xbb, 0xbf]

export class JsonScanner {
  readonly #file: string
  readonly #options: JsonScannerOptions
  #items: SourceItem[] = []
  #block: Buffer = Buffer.alloc(0)
  #at = 0
  /** Bytes before the block. */
  #before = 0
  #line = 1
  #state: State = 'value'
  #purpose: Purpose
  /** How many objects on the way are open. */
  #level = 0
  /** Whether the object or list with the rows has been entered. */
  #isHeld = false
  /** Names that the object on the way has, for messages. */
  #names: string[] = []
  #key = ''
  #index = 0

  // The value or name being read: its depth, its bytes in earlier blocks, and where it began.
  #depth = 0
  #deepest = 0
  #isString = false
  #isEscaped = false
  #isScalar = false
  #begun: Buffer[] = []
  #begunBytes = 0
  #start = 0
  #startLine = 1
  #startOffset = 0
  #isLong = false

  constructor(file: string, options: JsonScannerOptions) {
    this.#file = file
    this.#options = options
    this.#purpose = options.rows === 'values' ? 'row' : options.path.length > 0 ? 'way' : 'holder'
  }

  /** The rows that end in this block. @throws AttuneError 'invalid-json' where what is around the rows is wrong */
  push(block: Buffer): readonly SourceItem[] {
    this.#items = []
    this.#block = block
    this.#at = 0
    // What had begun goes on with this block's first byte.
    this.#start = 0
    while (this.#at < block.length) this.#step()
    if (this.#state === 'inside' || this.#state === 'key-text') this.#keep(block.length)
    this.#before += block.length
    return this.#items
  }

  /** The last row, where nothing but the end of the file ended it. @throws AttuneError 'invalid-json' for half a file */
  end(): void {
    const isBetween = this.#state === 'value' && !this.#isHeld && this.#level === 0
    if (this.#state === 'end' || isBetween) return
    const place = this.#isHeld || this.#options.rows === 'values' ? ` in ${this.#origin()}` : ''
    this.#at = 0
    this.#fail(`the file ends too early${place}: it is cut short or a bracket is missing`)
  }

  #step(): void {
    if (this.#state === 'inside') this.#inside()
    else if (this.#state === 'key-text') this.#keyText()
    else if (this.#state === 'rest') this.#rest()
    else {
      const byte = this.#block[this.#at] ?? 0
      if (byte === newline) this.#line++
      if (byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09) this.#at++
      else this.#structure(byte)
    }
  }

  #structure(byte: number): void {
    if (this.#state === 'value') this.#value(byte)
    else if (this.#state === 'first') {
      if (byte === closeList) this.#leave()
      else this.#expect('value', 'row')
    } else if (this.#state === 'key') {
      if (byte === quote) this.#begin('key-text')
      else if (byte === closeObject) this.#close()
      else this.#fail('expected a name in quotes')
    } else if (this.#state === 'colon') {
      if (byte !== colon) this.#fail('expected a colon after a name')
      this.#at++
      this.#expect('value', this.#isHeld ? 'row' : this.#purposeOfKey())
    } else if (this.#state === 'after') this.#after(byte)
    else this.#fail('expected nothing after the end of the list')
  }

  #value(byte: number): void {
    const offset = this.#before + this.#at
    if (offset < 3 && byte === mark[offset]) this.#at++
    else if (this.#purpose === 'way') {
      if (byte !== openObject) this.#fail(`expected an object with the name '${this.#options.path[this.#level] ?? ''}'`)
      this.#at++
      this.#level++
      this.#names = []
      this.#state = 'key'
    } else if (this.#purpose === 'holder') this.#hold(byte)
    else if (byte === closeList || byte === closeObject || byte === comma) this.#fail('expected a value')
    else this.#begin('inside')
  }

  /** Enters what holds the rows. */
  #hold(byte: number): void {
    const { keyField } = this.#options
    if (keyField === undefined && byte === openObject) {
      this.#fail('expected a list of rows, received an object; its values are the rows with options.keyField')
    }
    if (byte !== (keyField === undefined ? openList : openObject)) {
      this.#fail(`expected ${keyField === undefined ? 'a list' : 'an object'} with the rows`)
    }
    this.#at++
    this.#isHeld = true
    this.#state = keyField === undefined ? 'first' : 'key'
  }

  #after(byte: number): void {
    const isList = this.#isHeld && this.#options.keyField === undefined
    if (byte === comma) {
      this.#at++
      this.#expect(isList ? 'value' : 'key', 'row')
    } else if (isList && byte === closeList) this.#leave()
    else if (!isList && byte === closeObject) this.#close()
    else this.#fail(`expected a comma or ${isList ? ']' : '}'} after ${this.#isHeld ? this.#origin(-1) : 'a value'}`)
  }

  #expect(state: State, purpose: Purpose): void {
    this.#state = state
    this.#purpose = purpose
  }

  #close(): void {
    if (this.#isHeld) {
      this.#leave()
      return
    }
    const names = this.#names.slice(0, 8).join(', ')
    const wanted = this.#options.path[this.#level - 1] ?? ''
    this.#fail(`there is no '${wanted}' as options.at asks; the names here are ${names === '' ? 'none' : names}`)
  }

  /** Past the end of what holds the rows; the objects on the way must end too. */
  #leave(): void {
    this.#at++
    this.#depth = this.#level
    this.#isString = false
    this.#isEscaped = false
    this.#state = this.#level === 0 ? 'end' : 'rest'
  }

  #purposeOfKey(): Purpose {
    this.#names.push(this.#key)
    if (this.#key !== this.#options.path[this.#level - 1]) return 'none'
    return this.#level === this.#options.path.length ? 'holder' : 'way'
  }

  #begin(state: 'inside' | 'key-text'): void {
    this.#state = state
    this.#begun = []
    this.#begunBytes = 0
    this.#isLong = false
    this.#start = this.#at
    this.#startLine = this.#line
    this.#startOffset = this.#before + this.#at
    this.#depth = 0
    this.#deepest = 0
    this.#isString = false
    this.#isEscaped = false
    const byte = this.#block[this.#at]
    this.#isScalar = byte !== quote && byte !== openList && byte !== openObject
    // The quote that begins a name is no end of it.
    if (state === 'key-text') this.#at++
  }

  #inside(): void {
    if (!(this.#isScalar ? this.#scanScalar() : this.#scan())) return
    if (this.#purpose === 'row') this.#row()
    this.#begun = []
    this.#state = this.#options.rows === 'values' ? 'value' : 'after'
  }

  #rest(): void {
    if (this.#scan()) this.#state = 'end'
  }

  /** Goes on until the brackets that were opened are closed; false: in a later block. */
  #scan(): boolean {
    const block = this.#block
    const length = block.length
    let at = this.#at
    let depth = this.#depth
    let isString = this.#isString
    let isEnded = false
    while (at < length && !isEnded) {
      if (isString) {
        let isEscaped = this.#isEscaped
        while (at < length) {
          const byte = block[at++]
          if (isEscaped) isEscaped = false
          else if (byte === backslash) isEscaped = true
          else if (byte === quote) {
            isString = false
            break
          }
        }
        this.#isEscaped = isEscaped
        isEnded = depth === 0 && !isString
      } else {
        const byte = block[at++]
        if (byte === quote) isString = true
        else if (byte === openObject || byte === openList) {
          depth++
          if (depth > this.#deepest) this.#deepest = depth
        } else if (byte === closeObject || byte === closeList) isEnded = --depth === 0
        else if (byte === newline) this.#line++
      }
    }
    this.#at = at
    this.#depth = depth
    this.#isString = isString
    return isEnded
  }

  /** A number, true, false or null ends with what follows it. */
  #scanScalar(): boolean {
    for (; this.#at < this.#block.length; this.#at++) {
      const byte = this.#block[this.#at] ?? 0
      if (byte <= 0x20 || byte === comma || byte === closeList || byte === closeObject) return true
    }
    return false
  }

  #keyText(): void {
    for (; this.#at < this.#block.length; this.#at++) {
      const byte = this.#block[this.#at]
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === backslash) this.#isEscaped = true
      else if (byte === quote) {
        this.#at++
        const item = jsonItem(this.#taken(), this.#file, this.#startOffset)
        if (item.code !== undefined) this.#fail(`a name is ${item.what}`)
        else this.#key = String(item.value)
        this.#begun = []
        this.#state = 'colon'
        return
      }
    }
  }

  /** Keeps what the block has of a value that goes on, unless nobody will read it. */
  #keep(end: number): void {
    if (this.#state === 'inside' && this.#purpose !== 'row') return
    this.#begunBytes += end - this.#start
    this.#isLong ||= this.#begunBytes > this.#options.maxBytes
    if (this.#isLong || this.#deepest > mostLevels) this.#begun = []
    else this.#begun.push(Buffer.from(this.#block.subarray(this.#start, end)))
  }

  #taken(): Buffer {
    const last = this.#block.subarray(this.#start, this.#at)
    return this.#begun.length === 0 ? last : Buffer.concat([...this.#begun, last])
  }

  #row(): void {
    const origin = this.#origin()
    this.#index++
    const length = this.#begunBytes + this.#at - this.#start
    if (this.#isLong || length > this.#options.maxBytes) {
      const inside = '; where it holds a list of rows, options.at says where'
      const what = `the row is ${tooLong(this.#options.maxBytes)}${this.#options.rows === 'values' ? inside : ''}`
      this.#items.push({ origin, code: 'invalid-dataset', what })
    } else if (this.#deepest > mostLevels) this.#items.push({ origin, code: 'invalid-dataset', what: tooDeep })
    else {
      const item = jsonItem(this.#taken(), origin, this.#startOffset)
      this.#items.push(item.code === undefined ? { origin, value: this.#keyed(item.value) } : item)
    }
  }

  #keyed(value: unknown): unknown {
    const { keyField } = this.#options
    if (keyField === undefined) return value
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return { [keyField]: this.#key, ...(isObject ? value : { value }) }
  }

  #origin(step = 0): string {
    const { rows, keyField } = this.#options
    if (rows === 'values') return `${this.#file}:${this.#startLine}`
    return `${this.#file}[${keyField === undefined ? this.#index + step : JSON.stringify(this.#key)}]`
  }

  #fail(what: string): never {
    const offset = (this.#before + this.#at).toLocaleString('en-US')
    const where = `${this.#file}:${this.#line}`
    throw new AttuneError('invalid-json', `${where}: not valid JSON at byte ${offset}: ${what}`, { where })
  }
}
