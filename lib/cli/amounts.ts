/** Numbers as people read them. */

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let value = count
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `1.2M`, `345k`, `67`. */
export function quantity(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)}B`
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`
  if (count >= 1e4) return `${Math.round(count / 1e3)}k`
  return String(Math.round(count))
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** The same where it may be much less than a second: `12.3 ms`. */
export function moment(seconds: number): string {
  if (seconds >= 60) return duration(seconds)
  if (seconds >= 1) return `${seconds.toFixed(2)} s`
  const thousandths = seconds * 1000
  return `${thousandths.toFixed(thousandths >= 100 ? 0 : thousandths >= 1 ? 1 : 3)} ms`
}

/** `1.23 TFLOP`. */
export function operations(count: number): string {
  const names = ['', 'k', 'M', 'G', 'T', 'P', 'E']
  const step = Math.max(0, Math.min(names.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3)))
  return `${(count / 1000 ** step).toFixed(step === 0 ? 0 : 2)} ${names[step]}FLOP`
}

export function rate(value: number): string {
  return value === 0 ? '0' : value.toExponential(2)
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`
}
