/** The configs in examples/data, and the rows that each dataset's SOURCE.md counts. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { examplesFolder, sharedDatasets } from './shared-datasets.js'

export interface ExampleRows {
  readonly shape: string
  /** Of sets without splits of their own, all rows. */
  readonly train: number
  readonly validation?: number
  readonly test?: number
}

export const exampleRows: Readonly<Record<string, ExampleRows>> = {
  'advising-sql': { shape: 'prompt-completion', train: 2629, validation: 229, test: 573 },
  banking77: { shape: 'text-label', train: 10003, test: 3080 },
  clinc150: { shape: 'text-label', train: 15100, validation: 3100, test: 5500 },
  'codiesp-en': { shape: 'text-labels', train: 500, validation: 250, test: 250 },
  'e2e-nlg': { shape: 'prompt-completion', train: 42061, validation: 4672, test: 4693 },
  gsm8k: { shape: 'prompt-completion', train: 7473, test: 1319 },
  'instructions-1100': { shape: 'messages', train: 1100 },
  'legal-overruling': { shape: 'text-label', train: 2400 },
  'legal-unfair-tos': { shape: 'text-label', train: 3850 },
  'medquad-part': { shape: 'prompt-completion', train: 4090 },
  'openai-toy-chat': { shape: 'messages', train: 5 },
  'polite-preferences': { shape: 'preference', train: 1100 },
  pubmedqa: { shape: 'text-label', train: 500, test: 500 },
  'schema-guided-dialogue': { shape: 'messages', train: 1024, test: 512 },
  'sentence-polarity': { shape: 'text-label', train: 10662 },
  'sms-spam': { shape: 'text-label', train: 5574 },
  'support-replies': { shape: 'prompt-completion', train: 4514 },
  'tatoeba-swe-eng': { shape: 'source-target', train: 25286 },
  tinyshakespeare: { shape: 'text', train: 7222 },
}

/** File names of the configs. */
export const exampleConfigs = readdirSync(examplesFolder).filter((file) => ['.json', '.mjs'].includes(extname(file)))

/** What a config's dataset is called. */
export function exampleName(file: string): string {
  return basename(file, extname(file))
}

/** The configs as they lie in the repository, whose neighbour may be elsewhere on this machine. */
export class LinkedConfigs implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'attune-configs-'))

  constructor() {
    mkdirSync(join(this.#folder, 'repository', 'examples'), { recursive: true })
    cpSync(examplesFolder, join(this.#folder, 'repository', 'examples', 'data'), { recursive: true })
    mkdirSync(join(this.#folder, 'shared'))
    symlinkSync(sharedDatasets ?? '', join(this.#folder, 'shared', 'datasets'))
  }

  path(file: string): string {
    return join(this.#folder, 'repository', 'examples', 'data', file)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
