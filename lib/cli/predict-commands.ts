/** `attune classify | tag | answer | embed`: rows in, a JSON line for each out; on a screen, something to look at. */
import type { Command } from 'commander'
import type { TextOrPair } from '../data/encode-texts.js'
import { AttuneError } from '../errors.js'
import { Model } from '../models/model.js'
import { omit, settleOptions, type OptionTable, type Settled } from '../options.js'
import { answerOptions, answerVerb, type Question } from '../predict/answer.js'
import { classifyOptions, classifyVerb } from '../predict/classify.js'
import { embedOptions, embedVerb } from '../predict/embed.js'
import type { runOptions } from '../predict/predict-options.js'
import { tagOptions, tagVerb } from '../predict/tag.js'
import { rowsOrErrors, type VerbOf } from '../predict/verb.js'
import type { CommandContext } from './command-context.js'
import { watchedHub } from './download-report.js'
import { addFlags, givenFlags } from './flags.js'
import { inputOptions, rowsAskedFor, textField } from './input-options.js'
import type { InputFields, InputRow } from './input-rows.js'
import { watchInterrupts } from './interruption.js'
import { lineWriter } from './line-writer.js'
import { renderAnswer, renderEmbedding, renderPrediction, renderTagged } from './render-prediction.js'
import { modelFrom, modelOptions } from './run-options.js'
import { required } from './train-command.js'

interface VerbCommand<Input, Result, Options extends Settled<typeof runOptions>> {
  readonly verb: VerbOf<Input, Result, Options>
  readonly options: OptionTable
  readonly description: string
  readonly argument: readonly [name: string, description: string]
  /** Rows that the arguments make. */
  readonly given: (args: readonly string[]) => (string | InputFields)[]
  /** What a row of a file means. */
  readonly inputOf: (value: string | InputFields, origin: string) => Input | AttuneError
  /** Fields of the JSON line. */
  readonly line: (input: Input, result: Result) => object
  readonly render: (input: Input, result: Result, colors: boolean) => string
}

const asTexts = (args: readonly string[]): string[] => [...args]

const classifyCommand: VerbCommand<
  TextOrPair,
  Parameters<typeof renderPrediction>[1],
  Settled<typeof classifyOptions>
> = {
  verb: classifyVerb,
  options: classifyOptions,
  description: "say which label texts have; rows of files have 'text' and, of pairs, 'text_pair'",
  argument: ['[texts...]', 'texts; absent: --data or standard input, a text or a JSON object a line'],
  given: asTexts,
  inputOf(value, origin) {
    if (typeof value === 'string') return value
    const text = textField(value, 'text', origin)
    if (text instanceof AttuneError || value.text_pair === undefined) return text
    const pair = textField(value, 'text_pair', origin)
    return pair instanceof AttuneError ? pair : [text, pair]
  },
  line: (input, prediction) => {
    const [text, pair] = typeof input === 'string' ? [input] : input
    return { text, ...(pair !== undefined && { text_pair: pair }), ...omit(prediction, 'problemType') }
  },
  render: (input, prediction) => renderPrediction(typeof input === 'string' ? input : input.join(' | '), prediction),
}

const tagCommand: VerbCommand<
  string | readonly string[],
  Parameters<typeof renderTagged>[0],
  Settled<typeof tagOptions>
> = {
  verb: tagVerb,
  options: tagOptions,
  description: "find entities in texts; rows of files have 'text', or words in 'tokens'",
  argument: ['[texts...]', 'texts; absent: --data or standard input, a text or a JSON object a line'],
  given: asTexts,
  inputOf(value, origin) {
    if (typeof value === 'string') return value
    const { tokens } = value
    return Array.isArray(tokens) ? (tokens as string[]) : textField(value, 'text', origin)
  },
  line: (_, tagged) => tagged,
  render: (_, tagged, colors) => renderTagged(tagged, colors),
}

const answerCommand: VerbCommand<Question, Parameters<typeof renderAnswer>[1], Settled<typeof answerOptions>> = {
  verb: answerVerb,
  options: answerOptions,
  description: "answer questions from their context; rows of files have 'question' and 'context'",
  argument: [
    '[question-and-context...]',
    'a question and its context; absent: --data or standard input, a JSON object a line',
  ],
  given(args) {
    const [question = '', context] = args
    if (context === undefined || args.length > 2) {
      const message = `expected a question and its context, each in quotes, received ${args.length} arguments`
      throw new AttuneError('invalid-option', message, { where: 'question-and-context' })
    }
    return [{ question, context }]
  },
  inputOf(value, origin) {
    const fields = typeof value === 'string' ? {} : value
    const [question, context] = [textField(fields, 'question', origin), textField(fields, 'context', origin)]
    if (question instanceof AttuneError) return question
    return context instanceof AttuneError ? context : { question, context }
  },
  line: ({ question }, { answer = null, ...rest }) => ({ question, answer, ...rest }),
  render: renderAnswer,
}

const embedCommand: VerbCommand<string, Float32Array, Settled<typeof embedOptions>> = {
  verb: embedVerb,
  options: embedOptions,
  description: "turn texts into vectors; rows of files have 'text'",
  argument: ['[texts...]', 'texts; absent: --data or standard input, a text or a JSON object a line'],
  given: asTexts,
  inputOf: (value, origin) => (typeof value === 'string' ? value : textField(value, 'text', origin)),
  line: (text, embedding) => ({ text, embedding: Array.from(embedding) }),
  render: renderEmbedding,
}

export function addPredictCommands(program: Command, context: () => CommandContext): void {
  add(program, context, classifyCommand)
  add(program, context, tagCommand)
  add(program, context, answerCommand)
  add(program, context, embedCommand)
}

function add<Input, Result, Options extends Settled<typeof runOptions>>(
  program: Command,
  context: () => CommandContext,
  definition: VerbCommand<Input, Result, Options>,
): void {
  const { verb, options: table, description, argument } = definition
  const command = program
    .command(verb.name)
    .description(description)
    .argument(...argument)
  addFlags(command, modelOptions)
  addFlags(command, inputOptions)
  addFlags(command, table)
  command.action(async (args: string[]) => {
    const { terminal, json } = context()
    const asked = settleOptions(modelOptions, givenFlags(command, modelOptions))
    const files = settleOptions(inputOptions, givenFlags(command, inputOptions))
    // Before the model is loaded, which takes a while.
    settleOptions(omit(table, 'signal'), givenFlags(command, table))
    const rows =
      args.length > 0 ? rowsOf(definition.given(args)) : rowsAskedFor(files, terminal, 'expected texts as arguments')
    using interruption = watchInterrupts(() => terminal.err('\nstopping …\n'))
    await using model = await Model.load(
      required(asked.model, 'model'),
      modelFrom(asked, watchedHub(terminal, interruption.signal)),
    )
    if (asked.adapterFrom === undefined) requireTrained(model, verb.name)
    await using writer = await lineWriter(files.output, terminal)
    const screen = terminal.outIsScreen === true && !json && files.output === undefined
    const counted = terminal.interactive && files.output !== undefined
    const settled = settleOptions(table, {
      ...givenFlags(command, table),
      signal: interruption.signal,
      ...(counted && { onProgress: ({ rows: done }: { rows: number }) => terminal.err(`\r${done} rows`) }),
    }) as unknown as Options
    const waiting: { input: Input | AttuneError; id: unknown; origin: string }[] = []
    let [done, failed] = [0, 0]
    const inputs = async function* (): AsyncGenerator<Input | AttuneError, void, void> {
      for await (const { value, origin } of rows) {
        const input = value instanceof AttuneError ? value : definition.inputOf(value, origin)
        waiting.push({ input, origin, id: typeof value === 'object' && 'id' in value ? value.id : undefined })
        yield input
      }
    }
    const nameOf = (index: number): string => waiting[index - done]?.origin ?? `row ${index}`
    for await (const result of rowsOrErrors(verb, model, inputs(), settled, { nameOf })) {
      const { input, id, origin } = waiting.shift() ?? { input: undefined, id: undefined, origin: '' }
      done++
      const place = { origin, ...(id !== undefined && { id }) }
      if (result instanceof AttuneError || input instanceof AttuneError || input === undefined) {
        failed++
        const { code = 'internal', message = 'no result' } = result instanceof AttuneError ? result : {}
        terminal.err(`error: ${message}\n`)
        if (!screen) await writer.write(`${JSON.stringify({ ...place, error: { code, message } })}\n`)
      } else if (screen) await writer.write(definition.render(input, result, terminal.colors === true))
      else await writer.write(`${JSON.stringify({ ...place, ...definition.line(input, result) })}\n`)
    }
    if (counted) terminal.err('\n')
    if (done === 0) throw new AttuneError('empty-dataset', 'there are no rows', { where: files.data ?? 'stdin' })
    if (failed > 0) {
      const message = `${failed} of ${done} rows could not be read; what was wrong stands above, and in their lines`
      throw new AttuneError('invalid-input', message, { where: files.data ?? 'stdin' })
    }
  })
}

async function* rowsOf(values: readonly (string | InputFields)[]): AsyncGenerator<InputRow, void, void> {
  for (const [index, value] of values.entries()) yield await Promise.resolve({ value, origin: `argument ${index + 1}` })
}

/** A head of random values says nothing. */
function requireTrained(model: Model, verb: string): void {
  if (model.initialized.length === 0) return
  const message = `${verb} needs a model that was trained for ${model.task}: the directory has no ${model.initialized.join(', ')}. Train one with attune train.`
  throw new AttuneError('unsupported-task', message, { where: 'options.model' })
}
