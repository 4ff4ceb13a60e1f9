import { readFileSync } from 'node:fs'
const folder = '../../../shared/datasets/codiesp-en/'
const codes = (part, id) => readFileSync(new URL(`${folder}${part}D.tsv`, import.meta.url), 'utf8').split(/\r?\n/).filter((line) => line.startsWith(`${id}\t`)).map((line) => line.split('\t')[1])
const part = (name) => ({ data: `${name}-text_files_en.tar.gz`, map: ({ file, text }) => ({ text, labels: codes(name, file.split(/[/.]/).at(-2)) }) })
export default { folder, data: part('train'), validation: part('dev'), test: part('test') }
