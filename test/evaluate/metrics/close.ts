import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

/** Numbers (in arrays or objects of the same form) within a distance of those expected; null expects NaN. */
export function expectClose(actual: unknown, expected: unknown, tolerance: number, at = 'value'): void {
  if (expected === null) {
    expect(actual, at).toBeNaN()
  } else if (typeof expected === 'number') {
    expect(typeof actual, at).toBe('number')
    const distance = Math.abs((actual as number) - expected)
    expect(distance <= tolerance, `${at}: ${actual as number}, expected ${expected}`).toBe(true)
  } else if (typeof expected === 'object') {
    for (const [key, value] of Object.entries(expected)) {
      expectClose((actual as Record<string, unknown>)[key], value, tolerance, `${at}.${key}`)
    }
    if (Array.isArray(expected)) expect((actual as unknown[]).length, `${at}.length`).toBe(expected.length)
  } else {
    expect(actual, at).toBe(expected)
  }
}

/** A file of numbers that a script in this folder made with the Python packages. */
export function readExpected<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T
}
