/** Which files of a repository on the Hub are a tokenizer's. */
import { localCopy, type HubSourceOptions } from '../hub/local-copy.js'
import type { RepositoryFiles } from '../hub/snapshot.js'
import { tokenizerFiles } from './tokenizer-files.js'

// What it says of the end of a text is the tokenizer's business too.
const companions = ['generation_config.json']

export function chooseTokenizerFiles({ paths }: Pick<RepositoryFiles, 'paths'>): string[] {
  return [...tokenizerFiles, ...companions].filter((path) => paths.has(path))
}

/** The directory of a tokenizer: the one given, or the copy of a repository's files. */
export function tokenizerDirectory(source: string, options: HubSourceOptions): Promise<string> {
  const choose = (files: RepositoryFiles) => Promise.resolve(chooseTokenizerFiles(files))
  return localCopy(source, { kind: 'model', file: 'tokenizer.json', choose }, options)
}
