/** Text of unknown origin for a terminal: signs that would steer it are shown as escapes. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** The same in one line of at most so many characters. */
export function printableLine(text: string, length: number): string {
  const line = printable(text.replace(/\s+/g, ' '))
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}
