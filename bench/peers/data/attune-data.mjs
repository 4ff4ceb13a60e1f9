// Reads, templates, tokenizes and packs conversations in attune. Prints a JSON line.
import { parseArgs } from 'node:util'
import { encodeForTask, loadDataset, Tokenizer } from '../../../dist/index.js'
import { packBestFit } from '../../../dist/data/packing.js'
import packages from '../../../package.json' with { type: 'json' }

const { values } = parseArgs({
  options: { file: { type: 'string' }, tokenizer: { type: 'string' }, length: { type: 'string', default: '1024' } },
})
const start = performance.now()
const marks = {}
let last = start
const mark = (name) => {
  const now = performance.now()
  marks[name] = Number(((now - last) / 1000).toFixed(2))
  last = now
}
const tokenizer = await Tokenizer.load(values.tokenizer)
const data = await loadDataset(values.file)
mark('read')
const maxLength = Number(values.length)
const { examples, tokens, targets } = await encodeForTask('causal-lm', data, tokenizer, {
  maxLength,
  truncation: 'tail',
})
mark('encode')
const lengths = Int32Array.from(examples, ({ inputIds }) => inputIds.length)
const bins = packBestFit(Array.from(lengths.keys()), lengths, maxLength)
mark('pack')
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
console.log(
  JSON.stringify({
    contender: `attune ${packages.version}, Node ${process.versions.node}`,
    rows: examples.length,
    tokens,
    targets,
    bins: bins.length,
    seconds: (performance.now() - start) / 1000,
    processorSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMib: Math.round(maxRSS / 1024),
    marks,
  }),
)
