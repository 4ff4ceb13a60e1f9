const filled = (text, { variables }) => Object.entries(variables).reduce((all, [name, value]) => all.replaceAll(name, value), text)
const asked = (split) => ({ sql, sentences }) => sentences.filter((sentence) => sentence['question-split'] === split).map((sentence) => ({ prompt: filled(sentence.text, sentence), completion: filled(sql[0], sentence) }))
const part = (split) => ({ data: '../../../shared/datasets/advising-sql/advising.json', map: asked(split) })
export default { data: part('train'), validation: part('dev'), test: part('test') }
