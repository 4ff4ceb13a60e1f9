/** A profile in the trace event format, which chrome://tracing and ui.perfetto.dev draw on a time line. */
import { phasesOf, type Phase } from './phases.js'
import type { KernelSpan, Profile } from './profile.js'

/** A kernel's run, with a begin and a length. */
export interface ChromeTraceSpan {
  /** The op. */
  readonly name: string
  readonly cat: Phase
  readonly ph: 'X'
  /** Begin, in microseconds after the profile was started. */
  readonly ts: number
  /** Length, in microseconds. */
  readonly dur: number
  readonly pid: number
  readonly tid: number
  readonly args: {
    /** Of the module in the model, or 'optimizer'. */
    readonly path: string
    readonly 'GFLOP/s': number
    readonly 'GB/s': number
  }
}

/** What a process or thread is called. */
export interface ChromeTraceName {
  readonly name: 'process_name' | 'thread_name'
  readonly ph: 'M'
  readonly pid: number
  readonly tid: number
  readonly args: { readonly name: string }
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms'
  readonly traceEvents: readonly (ChromeTraceName | ChromeTraceSpan)[]
}

// The format wants numbers; there is one process, and kernels run one after another.
const place = { pid: 1, tid: 1 }

/** Written as JSON, a file that chrome://tracing and Perfetto open: an event per run of a kernel. */
export function chromeTrace(profile: Profile): ChromeTrace {
  const at = phasesOf(profile)
  return {
    displayTimeUnit: 'ms',
    traceEvents: [
      { name: 'process_name', ph: 'M', ...place, args: { name: 'attune' } },
      { name: 'thread_name', ph: 'M', ...place, args: { name: 'kernels' } },
      ...profile.kernels.map((span, i) => spanEvent(span, at[i] ?? 'forward')),
    ],
  }
}

function spanEvent({ path, op, begin, seconds, flops, bytes }: KernelSpan, cat: Phase): ChromeTraceSpan {
  // A run shorter than the clock's step has no rate, and JSON no Infinity.
  const rate = (amount: number): number => (seconds > 0 ? Number((amount / seconds / 1e9).toFixed(3)) : 0)
  const args = { path, 'GFLOP/s': rate(flops), 'GB/s': rate(bytes) }
  return { name: op, cat, ph: 'X', ts: microseconds(begin), dur: microseconds(seconds), ...place, args }
}

/** To the nanosecond, as the clock has it. */
function microseconds(seconds: number): number {
  return Number((seconds * 1e6).toFixed(3))
}
