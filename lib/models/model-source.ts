/** Which files of a repository on the Hub are a model's or an adapter's. Pickles never are: loading one runs what is in it. */
import { AttuneError } from '../errors.js'
import { localCopy, type HubSourceOptions } from '../hub/local-copy.js'
import type { RepositoryFiles } from '../hub/snapshot.js'
import { chooseTokenizerFiles } from '../tokenizer/tokenizer-source.js'
import { adapterTaskFile } from './adapter-task.js'

/** The directory of a model with its weights and tokenizer: the one given, or the copy of a repository. */
export function modelDirectory(source: string, options: HubSourceOptions): Promise<string> {
  return localCopy(source, { kind: 'model', file: 'config.json', choose: chooseModelFiles }, options)
}

/** The same without weights. */
export function configDirectory(source: string, options: HubSourceOptions): Promise<string> {
  return localCopy(source, { kind: 'model', file: 'config.json', choose: chooseConfigFiles }, options)
}

/** The directory of a PEFT adapter. */
export function adapterDirectory(source: string, options: HubSourceOptions): Promise<string> {
  return localCopy(source, { kind: 'model', file: 'adapter_config.json', choose: chooseAdapterFiles }, options)
}

async function chooseModelFiles(files: RepositoryFiles): Promise<string[]> {
  const config = await chooseConfigFiles(files)
  return [...config, ...(await weightFiles(files))]
}

async function chooseConfigFiles(files: RepositoryFiles): Promise<string[]> {
  const { paths, name } = files
  if (!paths.has('config.json')) {
    const advice = paths.has('adapter_config.json')
      ? ': it is an adapter. Load the model it belongs to, and give this as its adapter'
      : [...paths].some((path) => path.endsWith('.gguf'))
        ? ': it holds GGUF files. Name the repository they were made from'
        : ''
    throw new AttuneError('file-not-found', `The ${name} has no config.json${advice}.`, { where: 'config.json' })
  }
  return ['config.json', ...chooseTokenizerFiles(files), ...(await sentenceFiles(files))]
}

/** modules.json and the configurations of the modules that it names. */
async function sentenceFiles({ paths, read }: RepositoryFiles): Promise<string[]> {
  if (!paths.has('modules.json')) return []
  const modules = parsed(await read('modules.json'))
  const folders = Array.isArray(modules)
    ? modules.map((module: unknown) => (module as { path?: unknown } | null)?.path)
    : []
  const configs = folders.map((folder) => `${String(folder)}/config.json`)
  return ['modules.json', ...configs.filter((path) => paths.has(path))]
}

async function weightFiles({ paths, name, read }: RepositoryFiles): Promise<string[]> {
  if (paths.has('model.safetensors')) return ['model.safetensors']
  const index = 'model.safetensors.index.json'
  if (!paths.has(index)) throw noSafetensors(paths, name)
  const { weight_map: map } = (parsed(await read(index)) ?? {}) as { weight_map?: unknown }
  const shards = typeof map === 'object' && map !== null ? [...new Set(Object.values(map).map(String))] : []
  const missing = shards.filter((shard) => !paths.has(shard))
  if (missing.length > 0) {
    const message = `The ${name} has no ${missing.join(', ')}, which its ${index} names.`
    throw new AttuneError('file-not-found', message, { where: index })
  }
  // An index that names nothing is refused where it is read.
  return [index, ...shards]
}

function noSafetensors(paths: ReadonlySet<string>, name: string): AttuneError {
  const pickles = [...paths].some((path) => /^(?:pytorch_model.*\.bin|.*\.pth?)$/.test(path))
  const advice = pickles
    ? ': its weights are pickles, which attune does not load, as that would run what is in them. Look for a revision with safetensors (often refs/pr/1), or save the model from transformers with save_pretrained'
    : ''
  const message = `The ${name} has no model.safetensors${advice}.`
  return new AttuneError('file-not-found', message, { where: 'model.safetensors' })
}

function chooseAdapterFiles({ paths, name }: RepositoryFiles): Promise<string[]> {
  const needed = ['adapter_config.json', 'adapter_model.safetensors']
  const [missing] = needed.filter((path) => !paths.has(path))
  if (missing !== undefined) {
    const advice = paths.has('adapter_model.bin')
      ? ': its weights are a pickle, which attune does not load. Save the adapter from PEFT with save_pretrained'
      : paths.has('config.json')
        ? ': it is a model, not an adapter'
        : ''
    throw new AttuneError('file-not-found', `The ${name} has no ${missing}${advice}.`, { where: missing })
  }
  return Promise.resolve([...needed, ...(paths.has(adapterTaskFile) ? [adapterTaskFile] : [])])
}

/** Nothing where it is not JSON: whoever reads the file in earnest will say so. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
