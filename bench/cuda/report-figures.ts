/** Figures of the report as text. */

/** Three of them. */
export function digits(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 })
}

export const micro = (seconds: number): string => digits(1e6 * seconds)
export const milli = (seconds: number): string => digits(1e3 * seconds)
export const tera = (rate: number): string => `${digits(rate / 1e12)} TFLOP/s`
export const giga = (rate: number): string => `${digits(rate / 1e9)} GB/s`
