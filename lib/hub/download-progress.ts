/** What is told of a download while it runs. */
import type { Repository } from './repository.js'

export interface DownloadProgress {
  /** `org/name`. */
  readonly repository: string
  readonly kind: Repository['kind']
  /** The commit that is copied. */
  readonly commit: string
  /** The file that bytes came of last. */
  readonly file: string
  /** Of the files that were not in the cache. */
  readonly bytes: { readonly done: number; readonly total: number }
  readonly files: { readonly done: number; readonly total: number }
}

// Ten a second are enough for a bar.
const interval = 100

/** Sums up what comes of several files at once. A file's count may go back, when it is fetched again. */
export class ProgressMeter {
  readonly #done = new Map<string, number>()
  #finished = 0
  #last = -Infinity

  constructor(
    private readonly repository: Repository,
    private readonly commit: string,
    private readonly sizes: ReadonlyMap<string, number>,
    private readonly tell: ((progress: DownloadProgress) => void) | undefined,
  ) {}

  /** `bytes` of the file are there by now. */
  at(file: string, bytes: number): void {
    this.#done.set(file, bytes)
    if (performance.now() - this.#last >= interval) this.#tellOf(file)
  }

  finish(file: string): void {
    this.#done.set(file, this.sizes.get(file) ?? 0)
    this.#finished++
    this.#tellOf(file)
  }

  #tellOf(file: string): void {
    this.#last = performance.now()
    const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)
    this.tell?.({
      repository: this.repository.id,
      kind: this.repository.kind,
      commit: this.commit,
      file,
      bytes: { done: sum(this.#done.values()), total: sum(this.sizes.values()) },
      files: { done: this.#finished, total: this.sizes.size },
    })
  }
}
