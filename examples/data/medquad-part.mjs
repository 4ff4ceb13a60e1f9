const entities = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' }
const plain = (xml) => xml.replace(/&(lt|gt|amp|apos|quot);/g, (_, name) => entities[name]).trim()
const pairs = /<Question[^>]*qtype="([^"]*)"[^>]*>(.*?)<\/Question>\s*<Answer>(.*?)<\/Answer>/gs
const map = ({ file, text }) => [...text.matchAll(pairs)].map(([, type, question, answer]) => ({ prompt: plain(question), completion: plain(answer), type, file }))
export default { data: '../../../shared/datasets/medquad-part/medquad-5-collections.tar.gz', map, test: 0.1, groupBy: 'file' }
