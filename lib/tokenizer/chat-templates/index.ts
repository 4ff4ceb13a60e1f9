/** Chat templates for models that have none of their own. */
import { alpaca } from './alpaca.js'
import { chatml } from './chatml.js'
import { gemma } from './gemma.js'
import { llama3 } from './llama3.js'
import { mistral } from './mistral.js'
import { zephyr } from './zephyr.js'

export interface BuiltInTemplate {
  readonly source: string
  /** Marks that the vocabulary should hold as tokens of their own. */
  readonly marks: readonly string[]
  /** Special tokens that it writes by their role. */
  readonly roles: readonly ('bos_token' | 'eos_token')[]
}

export const builtInTemplates = {
  chatml: { source: chatml, marks: ['<|im_start|>', '<|im_end|>'], roles: [] },
  llama3: { source: llama3, marks: ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'], roles: ['bos_token'] },
  mistral: { source: mistral, marks: [], roles: ['bos_token', 'eos_token'] },
  gemma: { source: gemma, marks: ['<start_of_turn>', '<end_of_turn>'], roles: ['bos_token'] },
  zephyr: { source: zephyr, marks: [], roles: ['eos_token'] },
  alpaca: { source: alpaca, marks: [], roles: ['eos_token'] },
} as const satisfies Record<string, BuiltInTemplate>

export type BuiltInTemplateName = keyof typeof builtInTemplates

export const builtInTemplateNames = Object.keys(builtInTemplates) as readonly BuiltInTemplateName[]
