import tokenizers from 'tokenizers'

/**
 * Vocabulary and merges of a byte-level BPE of `size` entries: the 256 byte symbols, then merges in order of training. BPE is
 * greedy, so these are exactly what training with that size gives.
 */
export function cutVocabulary(allMerges, size) {
  const vocab = {}
  for (const symbol of tokenizers.byteLevelAlphabet().sort()) vocab[symbol] = Object.keys(vocab).length
  const kept = []
  let count = Object.keys(vocab).length
  for (const merge of allMerges) {
    if (count === size) break
    const [left, right] = Array.isArray(merge) ? merge : merge.split(' ')
    kept.push([left, right])
    // Two merges may build the same token; the second adds a way to reach it, not an entry.
    if (!Object.hasOwn(vocab, left + right)) vocab[left + right] = count++
  }
  if (count !== size) throw new Error(`training gave ${count} entries, ${size} are needed: the text is too short`)
  return { vocab, merges: kept }
}
