export interface Occupancy {
  readonly blocks: number
  readonly percent: number
  readonly limiter: 'threads' | 'blocks' | 'registers' | 'shared'
}

export function occupancy(block: {
  readonly arch: string
  readonly registers: number
  readonly threads: number
  readonly shared: number
}): Occupancy

export const reservedShared: number
