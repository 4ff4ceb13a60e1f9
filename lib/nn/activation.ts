import { AttuneError } from '../errors.js'
import { activations, type Activation } from '../graph/ops.js'

/** Other names of the same functions in Hugging Face's table. */
const synonyms: Readonly<Record<string, Activation>> = { swish: 'silu', gelu_python: 'gelu', gelu_fast: 'gelu_new' }

/** The core's name of an activation. @throws AttuneError `invalid-config` */
export function activationNamed(name: string, field: string): Activation {
  const found = activations.find((known) => known === name) ?? synonyms[name]
  if (found === undefined) {
    const known = [...activations, ...Object.keys(synonyms)].join(', ')
    throw new AttuneError('invalid-config', `Activation "${name}" is not supported: expected one of ${known}.`, {
      where: `config.json.${field}`,
    })
  }
  return found
}
