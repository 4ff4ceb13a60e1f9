/** Command-line flags from option tables: `learningRate` becomes `--learning-rate <number>`. */
import { Option as CommandOption, type Command } from 'commander'
import { z } from 'zod'
import { describeType, type OptionTable } from '../options.js'

/** Adds a flag per option of the table. `prefix` goes before the names: `lora` makes `rank` `--lora-rank`. */
export function addFlags(command: Command, table: OptionTable, prefix = ''): void {
  for (const [key, { type, description, default: usual, flag, off }] of Object.entries(table)) {
    if (flag === false) continue
    const name = flagName(prefix, key)
    const text = usual === undefined ? description : `${description} (default: ${JSON.stringify(usual)})`
    if (type instanceof z.ZodBoolean) {
      command.addOption(
        usual === true
          ? new CommandOption(`--no-${name}`, `Turns off: ${description}`)
          : new CommandOption(`--${name}`, text),
      )
    } else {
      const option = new CommandOption(`--${name} <${flag ?? placeholder(type)}>`, text)
      // Commander takes every name with `no-` for the opposite of another flag, as in `--no-repeat-ngram-size`.
      option.negate = false
      command.addOption(option)
      if (off !== undefined) command.addOption(new CommandOption(`--no-${name}`, off))
    }
  }
}

/** The options that were given as flags, under the table's names. */
export function givenFlags(command: Command, table: OptionTable, prefix = ''): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(table)) {
    const attribute = camelCase(flagName(prefix, key))
    if (command.getOptionValueSource(attribute) !== 'cli') continue
    const value: unknown = command.getOptionValue(attribute)
    given[key] = typeof value === 'string' ? parseValue(option.type, value) : value
  }
  return given
}

/** The text as the option takes it: as JSON (numbers, lists, objects), as it stands, or as a list between commas, of texts or numbers. */
function parseValue(type: z.ZodType, text: string): unknown {
  const readings = [...asJson(text), text, text.split(','), ...asJson(`[${text}]`)]
  const fitting = readings.find((reading) => type.safeParse(reading).success)
  if (fitting !== undefined) return fitting
  // The check's message says what was expected; of a list, which part of it was not.
  return describeType(type).startsWith('a list') ? readings.find(Array.isArray) : readings[0]
}

/** Nothing where it is a plain text, which most values are. */
function asJson(text: string): unknown[] {
  try {
    return [JSON.parse(text) as unknown]
  } catch {
    return []
  }
}

function placeholder(type: z.ZodType): string {
  if (type instanceof z.ZodNumber) return 'number'
  if (type instanceof z.ZodEnum) return type.options.join('|')
  return describeType(type).includes('list') ? 'list' : 'value'
}

export function flagName(prefix: string, key: string): string {
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return prefix === '' ? name : `${prefix}-${name}`
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
