const months = 'January February March April May June July August September October November December'.split(' ')
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/** Python's strftime in the C locale, local time: chat templates write today's date with it. `%-d` drops the padding. */
export function strftime(date: Date, format: string): string {
  const padded = (value: number, width = 2): string => String(value).padStart(width, '0')
  const month = months[date.getMonth()] ?? ''
  const day = days[date.getDay()] ?? ''
  const hour12 = date.getHours() % 12 === 0 ? 12 : date.getHours() % 12
  const startOfYear = Date.UTC(date.getFullYear(), 0, 1)
  const dayOfYear = (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - startOfYear) / 86_400_000 + 1
  const fields: Readonly<Record<string, string>> = {
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    B: month,
    d: padded(date.getDate()),
    e: String(date.getDate()).padStart(2, ' '),
    F: `${date.getFullYear()}-${padded(date.getMonth() + 1)}-${padded(date.getDate())}`,
    H: padded(date.getHours()),
    I: padded(hour12),
    j: padded(dayOfYear, 3),
    m: padded(date.getMonth() + 1),
    M: padded(date.getMinutes()),
    p: date.getHours() < 12 ? 'AM' : 'PM',
    S: padded(date.getSeconds()),
    T: `${padded(date.getHours())}:${padded(date.getMinutes())}:${padded(date.getSeconds())}`,
    y: padded(date.getFullYear() % 100),
    Y: String(date.getFullYear()),
    '%': '%',
  }
  return format.replace(/%(-?)([a-zA-Z%])/g, (directive, dash: string, letter: string) => {
    const text = fields[letter]
    if (text === undefined) return directive
    return dash === '-' ? text.replace(/^[0 ]+(?=\d)/, '') : text
  })
}
