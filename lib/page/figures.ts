/** Numbers of a report as people read them. NaN, which JSON writes as null, is undefined. */

export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return 'undefined'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  const size = Math.abs(value)
  if (size >= 1e5 || (size > 0 && size < 1e-4)) return value.toExponential(2)
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 4).replace('-', '−')
}

export function signed(value: number | null | undefined): string {
  const text = figure(value)
  return typeof value === 'number' && value > 0 ? `+${text}` : text
}

export function count(value: number): string {
  return value.toLocaleString('en')
}

export function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`
}

/** Of a test. */
export function pValue(value: number): string {
  return value < 0.001 ? 'p < 0.001' : `p = ${value.toFixed(3)}`
}

export function short(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
