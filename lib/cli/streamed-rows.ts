/** Rows to train on that are read while the run goes on. */
import { z } from 'zod'
import type { Dataset } from '../data/dataset.js'
import { streamDataset, type RowStream } from '../data/row-stream.js'
import { AttuneError } from '../errors.js'
import type { OptionTable } from '../options.js'
import { readValidationRows, type ReadingOptions } from './reading-options.js'
import type { Terminal } from './terminal.js'

export const streamingOptions = {
  streaming: {
    type: z.boolean(),
    description:
      'Rows are read while they are trained on and never all in memory, for files of any size; needs --max-steps',
    default: false,
  },
} satisfies OptionTable

interface StreamedJob {
  readonly data: readonly string[]
  readonly validation: number | readonly string[] | undefined
  readonly dataConfig: string | undefined
  readonly reading: ReadingOptions
  readonly terminal: Pick<Terminal, 'err'>
}

/** @throws AttuneError 'invalid-option' for rows that are drawn of all, and for a config */
export async function streamRows({
  data,
  validation,
  dataConfig,
  reading,
  terminal,
}: StreamedJob): Promise<{ train: RowStream; validation: Dataset | undefined }> {
  if (dataConfig !== undefined) throw refused('dataConfig', 'names rows that are read as a whole: name files with data')
  if (typeof validation === 'number')
    throw refused('validation', 'draws from all rows, which a stream does not know: name files to validate on')
  const onNote = ({ message }: { message: string }) => terminal.err(`note: ${message}\n`)
  return {
    train: streamDataset(data, { ...reading, onNote }),
    validation: await readValidationRows(data, validation, { reading, terminal }),
  }
}

function refused(name: string, what: string): AttuneError {
  return new AttuneError('invalid-option', `options.${name} ${what}, or leave streaming out`, {
    where: `options.${name}`,
  })
}
