import { readFileSync } from 'node:fs'
const folder = '../../../shared/datasets/pubmedqa/'
const held = JSON.parse(readFileSync(new URL(`${folder}test_ground_truth.json`, import.meta.url), 'utf8'))
const part = (test) => ({ data: 'ori_pqal.json', keyField: 'pmid', map: (row) => (row.pmid in held === test ? { text: row.QUESTION, text_pair: row.CONTEXTS.join(' '), label: row.final_decision, id: row.pmid } : undefined) })
export default { folder, data: part(false), test: part(true) }
