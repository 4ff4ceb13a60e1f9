/** Breaks a text at its spaces; every line but the first begins with `indent` spaces. */
export function wrap(text: string, { width = 80, indent = 0 } = {}): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(indent) + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}
