import { Command } from 'commander'
import { packageVersion } from '../package-version.js'
import { addBenchCommand } from './bench-command.js'
import type { CommandContext } from './command-context.js'
import { addDoctorCommand } from './doctor-command.js'
import { addEvaluateCommand } from './evaluate-command.js'
import { describeError, errorLine, exitCodeOf, exitCodes } from './exit-code.js'
import { addGenerateCommand } from './generate-command.js'
import { addInspectCommand } from './inspect-command.js'
import { addPredictCommands } from './predict-commands.js'
import { addPrepareCommand } from './prepare-command.js'
import type { Terminal } from './terminal.js'
import { addPlanCommand, addTrainCommand } from './train-command.js'

/**
 * Runs a command line (without node and script) and gives the exit code: 0, 1 failed, 2 used wrongly, 3 errors found in data,
 * 130 interrupted.
 */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCodes.done
  const program = createProgram(terminal, (other) => {
    code = other
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    const failure = exitCodeOf(error)
    // Commander has written its own errors already.
    if (error instanceof Error && 'exitCode' in error) return failure
    // `--json` and `--verbose` hold for any command; parsing may have failed before they were read.
    terminal.err(describeError(error, argv.includes('--verbose')))
    if (argv.includes('--json')) terminal.out(errorLine(error))
    return failure
  }
}

function createProgram(terminal: Terminal, exitWith: (code: number) => void): Command {
  const program = new Command('attune')
    .description('fine-tune language models')
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(--help says more)')
  const added = [
    addTrainCommand,
    addInspectCommand,
    addPlanCommand,
    addEvaluateCommand,
    addGenerateCommand,
    addPredictCommands,
    addPrepareCommand,
    addBenchCommand,
    addDoctorCommand,
  ]
  let current: Command = program
  const context = (): CommandContext => ({
    terminal,
    json: current.opts<{ json?: boolean }>().json === true,
    exitWith,
  })
  for (const add of added) add(program, context)
  for (const command of program.commands) {
    command.option('--json', 'print JSON, a line each').option('--verbose', 'print the stack of errors')
  }
  program.hook('preAction', (_, command) => {
    current = command
  })
  program.action(() => program.help({ error: true }))
  return program
}
