/** Why there is no figure. */
export interface Absent {
  readonly missing: string
}

export function isAbsent(value: object): value is Absent {
  return 'missing' in value
}

/** What figures of a dry run are replaced by. */
export const notMeasured: Absent = { missing: 'not measured: dry run' }
