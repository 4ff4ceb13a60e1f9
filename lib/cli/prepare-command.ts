/** `attune prepare`: rows in, the same rows without personal data, without duplicates, balanced, out as JSON Lines. */
import { open, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import type { Dataset } from '../data/dataset.js'
import { loadDataset } from '../data/load-dataset.js'
import { resolveFiles } from '../data/sources/resolve-files.js'
import { AttuneError } from '../errors.js'
import type { HubOptions } from '../hub/hub-options.js'
import { omit, settleOptions, type OptionTable } from '../options.js'
import { deduplicate, type DuplicateReport } from '../prepare/deduplicate.js'
import { deidentifyDataset, type DeidentifyReport } from '../prepare/deidentify-dataset.js'
import { deidentifyOptions, type DeidentifyOptions } from '../prepare/deidentify-options.js'
import type { CommandContext } from './command-context.js'
import { watchedHub } from './download-report.js'
import { addFlags, givenFlags } from './flags.js'
import { watchInterrupts } from './interruption.js'
import { required } from './train-command.js'

const prepareOptions = {
  output: { type: z.string().min(1), description: 'File for the rows, JSON Lines', flag: 'out.jsonl' },
  fields: {
    type: z.record(z.string(), z.string()).describe('names of fields, as in {"text": "sentence"}'),
    description: 'What the rows call a field, JSON: {"text": "sentence"}',
    flag: 'json',
  },
  onRefused: {
    type: z.enum(['error', 'skip']),
    description: 'A row whose answer de-identification would cut',
    default: 'error' as const,
  },
  leaveFields: {
    type: z.array(z.string()),
    description: 'Fields beside those that are trained on that de-identification leaves',
    default: [] as string[],
  },
  deduplicate: {
    type: z.boolean(),
    description: 'Leaves out rows that are the same as an earlier one',
    default: false,
  },
  near: { type: z.number().gt(0).max(1), description: 'With --deduplicate: rows as similar as this too, such as 0.85' },
  by: {
    type: z.enum(['row', 'texts', 'input']),
    description: 'With --deduplicate: what is compared; row: texts and labels',
    default: 'row' as const,
  },
  balance: {
    type: z.enum(['oversample', 'undersample']),
    description: 'Repeats rows of small classes, or leaves out rows of large ones',
  },
  balanceBy: { type: z.string().min(1), description: 'With --balance: the field with the class', default: 'label' },
  seed: { type: z.int().min(0), description: 'Of what is drawn at random', default: 0 },
  report: { type: z.string().min(1), description: 'Writes what was done, by row', flag: 'report.json' },
} satisfies OptionTable

const findOptions: OptionTable = omit(deidentifyOptions, 'names')

interface Report {
  readonly rows: number
  readonly written: number
  readonly deidentified?: DeidentifyReport
  readonly duplicates?: DuplicateReport
  readonly balanced?: { readonly before: number; readonly after: number }
}

export function addPrepareCommand(program: Command, context: () => CommandContext): void {
  const command = program
    .command('prepare')
    .description('make rows ready for training: de-identify, deduplicate, balance')
    .argument('<data...>', 'files of rows, as attune train takes them')
    .option(
      '--deidentify [names.txt]',
      'replaces personal data; the file has names of people, one a line, forms of one name between |',
    )
  addFlags(command, prepareOptions)
  addFlags(command, findOptions)
  command.action(async (data: string[]) => {
    const { terminal, json } = context()
    const asked = settleOptions(prepareOptions, givenFlags(command, prepareOptions))
    const find = givenFlags(command, findOptions) as DeidentifyOptions
    settleOptions(findOptions, find)
    const output = required(asked.output, 'output')
    using interruption = watchInterrupts(() => terminal.err('\nstopping …\n'))
    const hub = watchedHub(terminal, interruption.signal)
    await refuseInputs(data, hub, [output, ...(asked.report === undefined ? [] : [asked.report])])
    const deidentify: unknown = command.getOptionValue('deidentify')
    const names = typeof deidentify === 'string' ? await readNames(deidentify) : []
    const loaded = await loadDataset(data, { fields: asked.fields, hub })
    interruption[Symbol.dispose]()
    let rows = loaded
    let report: Report = { rows: rows.length, written: 0 }
    if (deidentify !== undefined) {
      const { onRefused, leaveFields } = asked
      const result = deidentifyDataset(rows, { ...find, names, onRefused, leaveFields })
      rows = result.dataset
      report = { ...report, deidentified: result.report }
    }
    if (asked.deduplicate) {
      const result = deduplicate(rows, { near: asked.near ?? false, by: asked.by, seed: asked.seed })
      rows = result.dataset
      report = { ...report, duplicates: result.report }
    }
    if (asked.balance !== undefined) {
      const before = rows.length
      rows = rows.balance({ by: asked.balanceBy, strategy: asked.balance, seed: asked.seed })
      report = { ...report, balanced: { before, after: rows.length } }
    }
    report = { ...report, written: rows.length }
    await writeRows(output, rows)
    if (asked.report !== undefined) await writeText(asked.report, `${JSON.stringify(report, null, 2)}\n`)
    terminal.out(json ? `${JSON.stringify({ type: 'preparation', output, ...report })}\n` : describe(report, output))
  })
}

/** Nothing that is read is written over. */
async function refuseInputs(data: readonly string[], hub: HubOptions, outputs: readonly string[]): Promise<void> {
  const files = (await resolveFiles(data, { hub })).filter(({ path }) => path !== '-')
  const inputs = new Set(await Promise.all(files.map(({ path }) => realpath(path).catch(() => path))))
  for (const path of outputs) {
    const real = await realpath(path).catch(() => undefined)
    if (real === undefined || !inputs.has(real)) continue
    const message = `${path} is read, so it is not written over; name another file`
    throw new AttuneError('invalid-option', message, { where: 'options.output' })
  }
}

/** One name a line, forms of one name between |; lines that begin with # say something else. */
async function readNames(path: string): Promise<(string | string[])[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AttuneError('file-not-found', `cannot read the names in ${path}: ${String(cause)}`, {
      where: path,
      cause,
    })
  })
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  return lines.flatMap((line) => {
    const forms = line.startsWith('#') ? [] : line.split('|').map((form) => form.trim())
    const named = forms.filter((form) => /[\p{L}\p{N}]/u.test(form))
    return named.length === 0 ? [] : [named]
  })
}

async function writeRows(path: string, rows: Dataset): Promise<void> {
  const lines = function* (): Generator<string> {
    for (const [index, row] of rows.rows.entries()) yield `${JSON.stringify({ ...rows.fieldsOf(index), ...row })}\n`
  }
  await writeText(path, lines())
}

/** Into a file beside it first, so that an interrupted run leaves no half a file. */
async function writeText(path: string, text: string | Iterable<string>): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.tmp-${process.pid}`)
  try {
    await writeFile(partial, text)
    const handle = await open(partial, 'r+')
    await handle.sync().finally(() => handle.close())
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined)
    throw new AttuneError('file-write-failed', `cannot write ${path}: ${String(cause)}`, { where: path, cause })
  }
}

function describe({ rows, written, deidentified, duplicates, balanced }: Report, output: string): string {
  const lines = [`${rows} rows read`]
  if (deidentified !== undefined) {
    const kinds = Object.entries(deidentified.counts).map(([kind, count]) => `${kind} ${count}`)
    lines.push(`de-identified ${deidentified.changedRows} rows: ${kinds.join(', ') || 'nothing found'}`)
    if (deidentified.refused.length > 0)
      lines.push(`left out ${deidentified.refused.length} rows whose answers would be cut`)
  }
  if (duplicates !== undefined)
    lines.push(`left out ${duplicates.exact.length} duplicates and ${duplicates.near.length} near duplicates`)
  if (balanced !== undefined) lines.push(`balanced ${balanced.before} rows to ${balanced.after}`)
  return `${[...lines, `${written} rows written to ${output}`].join('\n')}\n`
}
