import { AttuneError } from '../../errors.js'

export const sourceFormats = ['jsonl', 'json', 'csv', 'tsv', 'parquet', 'text', 'tar'] as const

/** How the rows of a file are written. 'json': one list of rows; 'text': plain text; 'tar': an archive of files. */
export type SourceFormat = (typeof sourceFormats)[number]

/** What is a row in plain text. */
export type TextRows = 'line' | 'paragraph' | 'file'

/** Where rows come from. */
export interface SourceFile {
  /** A path; '-': standard input. Compressed files are recognised by what is in them. */
  readonly path: string
  /** What errors call it. Default: its path. */
  readonly name?: string | undefined
  /** Read instead of the path, which then only names it. */
  readonly open?: (() => AsyncIterable<Uint8Array>) | undefined
}

export interface SourceOptions {
  /** How the files are written. Default: as what is in them and their extension say. */
  readonly format?: SourceFormat | undefined
  /**
   * Names of the columns of CSV and TSV files without a header line, or of JSON rows that are lists.
   * Default: the first line has them.
   */
  readonly columns?: readonly string[] | undefined
  /** Whether cells of CSV and TSV files may stand in double quotes. Default: true. */
  readonly quoted?: boolean | undefined
  /** What parts the cells of CSV and TSV files. Default: a comma, a tab. */
  readonly delimiter?: string | undefined
  /**
   * Columns of CSV and TSV files that are numbers where every cell of the file is one; other cells are texts.
   * Default: none.
   */
  readonly numeric?: readonly string[] | undefined
  /** In a JSON file, where the rows are, by the names on the way: 'data.rows'. Default: the file is the list of rows. */
  readonly at?: string | undefined
  /** The rows of a JSON file are the values of an object; their names become this field. Default: they are in a list. */
  readonly keyField?: string | undefined
  /** What is a row in plain text. Default: 'line'; in an archive 'file'. */
  readonly textRows?: TextRows | undefined
  /** Of text: 'windows-1252', 'utf-16le', …. Default: 'utf-8'. */
  readonly encoding?: string | undefined
  /** Is told the names of the columns of each CSV, TSV and Parquet file before its rows come. Default: nobody is. */
  readonly onColumns?: ((columns: readonly string[], file: string) => void) | undefined
  /** Most bytes of one row; longer ones are refused, so that none can fill the memory. Default: 64 MiB. */
  readonly maxRowBytes?: number | undefined
}

const defaultMaxRowBytes = 64 * 1024 * 1024

/** The most bytes of a row. @throws AttuneError 'invalid-option' */
export function maxRowBytesOf({ maxRowBytes = defaultMaxRowBytes }: SourceOptions): number {
  // Node keeps no longer text than this.
  const most = 0x1fffffe8
  if (Number.isInteger(maxRowBytes) && maxRowBytes >= 1 && maxRowBytes <= most) return maxRowBytes
  throw new AttuneError(
    'invalid-option',
    `options.maxRowBytes should be a whole number from 1 to ${most}, received ${maxRowBytes}`,
    { where: 'options.maxRowBytes' },
  )
}

/** What to say of a row that is longer. */
export function tooLong(maxRowBytes: number): string {
  const limit = maxRowBytes.toLocaleString('en-US')
  return `longer than ${limit} bytes, the most that a row may have (options.maxRowBytes)`
}
