import type { Command } from 'commander'
import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { benchModel } from '../bench/bench-model.js'
import { benchOptions } from '../bench/bench-options.js'
import type { BenchResult } from '../bench/bench-result.js'
import { AttuneError } from '../errors.js'
import type { ConfigJson } from '../models/family.js'
import { readJsonObject } from '../models/json-file.js'
import { Model } from '../models/model.js'
import { omit, settleOptions, type OptionTable } from '../options.js'
import { chromeTrace } from '../profile/chrome-trace.js'
import { adapterOf, addAdapterFlags } from './adapter-flags.js'
import { describeBench } from './bench-report.js'
import type { CommandContext } from './command-context.js'
import { watchedHub } from './download-report.js'
import { addFlags, givenFlags } from './flags.js'
import { watchInterrupts } from './interruption.js'
import { modelFrom, modelOptions } from './run-options.js'
import { writeResult } from './write-result.js'

/** The model is the argument; only its configuration is read, so nothing of its weights or tokenizer can be asked for. */
const configuredOptions = omit(modelOptions, 'model', 'adapterFrom', 'addTokens')

const traceOptions = {
  trace: {
    type: z.string().min(1),
    description: 'Writes one step, kernel by kernel, for chrome://tracing or ui.perfetto.dev; implies --profile',
    flag: 'file',
  },
} satisfies OptionTable

export function addBenchCommand(program: Command, context: () => CommandContext): void {
  const command = program
    .command('bench')
    .description('measure how fast a model trains, is evaluated and writes here, on random tokens')
    .argument(
      '[model]',
      "directory or config.json of the model, or its id on the Hub; its weights are not needed (default: attune's own small model)",
    )
  addFlags(command, configuredOptions)
  addFlags(command, benchOptions)
  addFlags(command, traceOptions)
  addAdapterFlags(command)
  command.action(async (given: string | undefined) => {
    const { terminal, json } = context()
    // All that can be refused is refused before there is a model.
    const asked = settleOptions(configuredOptions, givenFlags(command, configuredOptions))
    const bench = settleOptions(benchOptions, givenFlags(command, benchOptions))
    const { trace } = settleOptions(traceOptions, givenFlags(command, traceOptions))
    const adapter = adapterOf(command)
    if (trace !== undefined) requireFolder(trace)
    using interruption = watchInterrupts(() => terminal.err('\nstopping after this step …\n'))
    const { signal } = interruption
    const options = { ...asked, model: undefined, adapterFrom: undefined, addTokens: undefined }
    const source = await modelSource(given ?? embeddedModel())
    await using model = await Model.fromConfig(source, modelFrom(options, watchedHub(terminal, signal)))
    if (adapter !== undefined) await model.addAdapter(adapter)
    const profile = bench.profile || trace !== undefined
    const result = await benchModel(model, { ...bench, profile, signal })
    if (trace !== undefined && result.profile !== undefined) {
      await writeResult(trace, 'the trace', JSON.stringify(chromeTrace(result.profile.step)))
    }
    terminal.out(json ? jsonLine(result) : describeBench(result))
    if (trace !== undefined && !json) terminal.out(`\ntrace of one step in ${trace}\n`)
  })
}

/** Without the single runs of kernels, of which there are many: `--trace` writes those. */
function jsonLine({ profile, ...result }: BenchResult): string {
  const shown = profile === undefined ? {} : { profile: omit(profile, 'step') }
  return `${JSON.stringify({ type: 'bench', ...result, ...shown })}\n`
}

/** A configuration in a file of its own is read here; directories and ids are left to the model. */
async function modelSource(source: string): Promise<string | ConfigJson> {
  const isFile = existsSync(source) && statSync(source).isFile()
  return isFile ? readJsonObject(source) : source
}

function embeddedModel(): string {
  const directory = fileURLToPath(new URL('../../examples/models/attune-base', import.meta.url))
  if (existsSync(directory)) return directory
  const message = '[model] is missing: this installation has no examples/models/attune-base to measure instead'
  throw new AttuneError('invalid-option', message, { where: 'model' })
}

function requireFolder(path: string): void {
  const folder = dirname(resolve(path))
  if (existsSync(folder)) return
  throw new AttuneError('invalid-option', `options.trace: there is no directory ${folder} to write the trace to`, {
    where: 'options.trace',
  })
}
