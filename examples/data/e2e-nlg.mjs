const names = { eatType: 'Type', priceRange: 'price', customerrating: 'customer rating', familyFriendly: 'family friendly' }
const facts = (line) => [...line.matchAll(/__start_(\w+)__ (.*?) __end_\1__/g)].map(([, key, value]) => `${names[key] ?? key} : ${value}`).join(' | ')
const parts = () => { const seen = {}; return ({ file, text }) => { const [, sources = '', end] = /(src_)?(train)\.txt$/.exec(file) ?? []; if (!end) return undefined; seen[sources] = text.trim().split('\n'); return seen['src_'] && seen[''] ? seen['src_'].map((line, at) => ({ prompt: facts(line), completion: seen[''][at].split(' <eos>')[0] })) : undefined } }
const pair = ({ text }) => ({ prompt: text.split('||')[0], completion: text.split('||')[1].trim() })
export default { folder: '../../../shared/datasets/e2e-nlg', data: { data: 'e2e_aligned.tar.gz', map: parts() }, validation: { data: 'valid.txt', map: pair }, test: { data: 'test.txt', map: pair } }
