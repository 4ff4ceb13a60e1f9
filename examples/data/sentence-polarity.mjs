const part = (end, label) => ({ data: `rt-polarity.${end}`, map: ({ text }) => ({ text, label }) })
const options = { format: 'text', encoding: 'latin1', validation: 0.05, test: 0.05, stratify: 'label' }
const folder = '../../../shared/datasets/sentence-polarity'
export default { folder, ...options, data: [part('pos', 'positive'), part('neg', 'negative')] }
