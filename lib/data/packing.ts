/** Best fit, decreasing: the longest first, each into the fullest bin that still has room for it. */

/** Bins that have room left, found by how much: a bit for each size of room that some bin has. */
class OpenBins {
  readonly #byRoom = new Map<number, number[]>()
  readonly #rooms: Uint32Array

  constructor(capacity: number) {
    this.#rooms = new Uint32Array((capacity >>> 5) + 1)
  }

  put(bin: number, room: number): void {
    if (room === 0) return
    const bins = this.#byRoom.get(room)
    if (bins === undefined) this.#byRoom.set(room, [bin])
    else bins.push(bin)
    this.#set(room, true)
  }

  /** The bin with the least room from `least` on; it is taken out. */
  take(least: number): { readonly bin: number; readonly room: number } | undefined {
    const room = this.#nextRoom(least)
    const bins = room === undefined ? undefined : this.#byRoom.get(room)
    const bin = bins?.pop()
    if (room === undefined || bin === undefined) return undefined
    if (bins?.length === 0) this.#set(room, false)
    return { bin, room }
  }

  #set(room: number, present: boolean): void {
    const bit = 1 << (room & 31)
    const word = this.#rooms[room >>> 5] ?? 0
    this.#rooms[room >>> 5] = present ? word | bit : word & ~bit
  }

  #nextRoom(least: number): number | undefined {
    let bits = (this.#rooms[least >>> 5] ?? 0) & (-1 << (least & 31))
    for (let word = least >>> 5; ; bits = this.#rooms[++word] ?? 0) {
      if (bits !== 0) return (word << 5) + (31 - Math.clz32(bits & -bits))
      if (word + 1 >= this.#rooms.length) return undefined
    }
  }
}

/**
 * Puts examples into bins of at most `capacity` tokens. Every example is in one bin; one that is longer has a bin of its
 * own. Among examples of one length those that come first in `indices` come first.
 */
export function packBestFit(indices: readonly number[], lengths: ArrayLike<number>, capacity: number): number[][] {
  const length = (index: number): number => lengths[index] ?? 0
  const bins: number[][] = []
  const open = new OpenBins(capacity)
  for (const index of [...indices].sort((a, b) => length(b) - length(a))) {
    const size = length(index)
    const found = size > capacity ? undefined : open.take(size)
    if (found === undefined) {
      bins.push([index])
      open.put(bins.length - 1, Math.max(capacity - size, 0))
    } else {
      bins[found.bin]?.push(index)
      open.put(found.bin, found.room - size)
    }
  }
  return bins
}
