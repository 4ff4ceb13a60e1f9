/** Texts beside each other, wrapped at words, each in a column of that width. */
export function columns(texts, width) {
  const wrapped = texts.map((text) => wrap(text, width))
  const height = Math.max(...wrapped.map((lines) => lines.length))
  const rows = Array.from({ length: height }, (_, i) => wrapped.map((lines) => (lines[i] ?? '').padEnd(width)))
  return rows.map((cells) => cells.join('   ').trimEnd()).join('\n')
}

function wrap(text, width) {
  const lines = ['']
  for (const word of text.replace(/\s+/g, ' ').trim().split(' ')) {
    const line = lines.at(-1)
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word.slice(0, width))
    else lines[lines.length - 1] = (line === '' ? word : `${line} ${word}`).slice(0, width)
  }
  return lines
}
