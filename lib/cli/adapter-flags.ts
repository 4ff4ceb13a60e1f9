/** `--lora` and what goes with it. */
import type { Command } from 'commander'
import { AttuneError } from '../errors.js'
import { lora, type LoraConfig } from '../nn/lora.js'
import { addFlags, givenFlags } from './flags.js'
import { loraFlags } from './run-options.js'

export function addAdapterFlags(command: Command): void {
  command.option(
    '--lora',
    'train a LoRA adapter with the defaults; any --lora-… flag does too. Otherwise the model itself is trained',
  )
  addFlags(command, loraFlags, 'lora')
}

/**
 * The adapter that the flags ask for, on top of what a config file says; undefined where neither asks for one.
 * @throws AttuneError 'invalid-option'
 */
export function adapterOf(command: Command, inFile?: unknown): LoraConfig | undefined {
  const flags = givenFlags(command, loraFlags, 'lora')
  if (inFile === undefined && Object.keys(flags).length === 0 && command.getOptionValue('lora') !== true)
    return undefined
  if (inFile !== undefined && (typeof inFile !== 'object' || inFile === null)) {
    throw new AttuneError(
      'invalid-option',
      'options.adapter: expected an object such as { "type": "lora", "rank": 8 }',
      {
        where: 'options.adapter',
      },
    )
  }
  const { type = 'lora', ...rest } = (inFile ?? {}) as Record<string, unknown>
  if (type !== 'lora') {
    throw new AttuneError('invalid-option', `options.adapter.type: expected 'lora', received ${JSON.stringify(type)}`, {
      where: 'options.adapter.type',
    })
  }
  // What the flags give is checked as the API checks it.
  return lora({ ...rest, ...flags })
}
