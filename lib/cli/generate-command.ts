import type { Command } from 'commander'
import { AttuneError } from '../errors.js'
import { generate, generateBatch } from '../generate/generate.js'
import { generateOptions, settleGenerateOptions, type GenerateOptions } from '../generate/generate-options.js'
import { Model } from '../models/model.js'
import { settleOptions } from '../options.js'
import type { CommandContext } from './command-context.js'
import { watchedHub } from './download-report.js'
import { answerRows, promptOf } from './generate-rows.js'
import { addFlags, givenFlags } from './flags.js'
import { inputOptions, rowsAskedFor } from './input-options.js'
import { watchInterrupts } from './interruption.js'
import { modelFrom, modelOptions } from './run-options.js'
import { required } from './train-command.js'

export function addGenerateCommand(program: Command, context: () => CommandContext): void {
  const command = program
    .command('generate')
    .description('go on with a prompt')
    .argument(
      '[prompt]',
      'the text; absent: all of standard input; with --data a file of prompts, each answered in a JSON line',
    )
    .option('--chat', "put the prompt into the model's chat template, as what the user says")
    .option('--system <text>', 'what the system says before, with --chat')
  addFlags(command, modelOptions)
  addFlags(command, inputOptions)
  addFlags(command, generateOptions)
  command.action(async (given: string | undefined) => {
    const { terminal, json } = context()
    const asked = settleOptions(modelOptions, givenFlags(command, modelOptions))
    const options = givenFlags(command, generateOptions) as GenerateOptions
    // Before the model is loaded, which takes a while.
    const { numReturnSequences } = settleGenerateOptions(options)
    const { chat, system } = command.opts<{ chat?: boolean; system?: string }>()
    const files = settleOptions(inputOptions, givenFlags(command, inputOptions))
    if (files.data !== undefined) {
      if (given !== undefined)
        throw new AttuneError('invalid-option', 'a prompt or --data, not both', { where: 'prompt' })
      const rows = rowsAskedFor(files, terminal, 'expected a prompt')
      const answers = { ...files, chat: chat === true, system }
      await answerRows(rows, required(asked.model, 'model'), modelFrom(asked), options, answers, terminal)
      return
    }
    if (files.output !== undefined) {
      throw new AttuneError('invalid-option', '--output goes with --data', { where: 'output' })
    }
    const prompt = promptOf(given ?? (await standardInput()), chat === true, system)
    using interruption = watchInterrupts(() => terminal.err('\n'))
    await using model = await Model.load(
      required(asked.model, 'model'),
      modelFrom(asked, watchedHub(terminal, interruption.signal)),
    )
    if (numReturnSequences > 1) {
      for (const answer of await generateBatch(model, [prompt], { ...options, signal: interruption.signal })) {
        terminal.out(json ? `${JSON.stringify({ type: 'answer', ...answer })}\n` : `${answer.text}\n`)
      }
      return
    }
    for await (const piece of generate(model, prompt, { ...options, signal: interruption.signal })) {
      terminal.out(json ? `${JSON.stringify({ type: 'piece', ...piece })}\n` : piece.text)
    }
    if (!json) terminal.out('\n')
  })
}

async function standardInput(): Promise<string> {
  if (process.stdin.isTTY) throw new AttuneError('invalid-option', 'the prompt is missing', { where: 'prompt' })
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8').replace(/\n$/, '')
}
