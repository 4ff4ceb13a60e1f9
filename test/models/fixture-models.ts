import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A tiny model with PyTorch's numbers beside it. */
export function fixtureModel(name: 'gpt2' | 'llama'): string {
  return join(import.meta.dirname, '../parity/fixtures/models', name)
}

/** An empty directory that goes when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'attune-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A copy of a fixture model, to be spoiled. */
export function copyOfModel(name: 'gpt2' | 'llama', changes: Readonly<Record<string, unknown>> = {}): string {
  const directory = join(temporaryDirectory(), name)
  cpSync(fixtureModel(name), directory, { recursive: true })
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...fixtureConfig(name), ...changes }))
  return directory
}

export function fixtureConfig(name: 'gpt2' | 'llama'): Record<string, unknown> {
  return JSON.parse(readFileSync(join(fixtureModel(name), 'config.json'), 'utf8')) as Record<string, unknown>
}

/** A model of one block and a few features, for what needs no weights of PyTorch's. */
export const tinyGpt2 = {
  model_type: 'gpt2',
  vocab_size: 37,
  n_positions: 16,
  n_embd: 12,
  n_layer: 2,
  n_head: 3,
  initializer_range: 0.1,
}

export const tinyLlama = {
  model_type: 'llama',
  vocab_size: 37,
  hidden_size: 12,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  num_key_value_heads: 1,
  max_position_embeddings: 16,
  initializer_range: 0.1,
}
