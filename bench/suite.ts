/** What a suite is: tasks with a name, the work of one run, and a way to run them. */

export interface BenchTask {
  readonly name: string
  /** What one run gets done, for the rate: `{ amount: 512, unit: 'tokens' }`. */
  readonly work: { readonly amount: number; readonly unit: string }
  readonly run: () => Promise<unknown>
}

export interface BenchSuite extends AsyncDisposable {
  readonly tasks: readonly BenchTask[]
}

/** Loads what the suite needs; the suite is disposed after its tasks ran. */
export type OpenSuite = () => Promise<BenchSuite>
