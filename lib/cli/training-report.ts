import type { TrainingEvent } from '../train/events.js'
import { duration, quantity, rate } from './amounts.js'
import { planTable } from './plan-report.js'
import { progressBar } from './progress-bar.js'
import type { Terminal } from './terminal.js'

/** Shows the events of a run; called with each as it comes. */
export type TrainingReport = (event: TrainingEvent) => void

/** A JSON line per event. */
export function jsonReport(terminal: Terminal): TrainingReport {
  return (event) => terminal.out(`${JSON.stringify(event)}\n`)
}

const barFormat =
  'step {value}/{total} {bar} {percentage}% · epoch {epoch} · loss {loss} · lr {lr} · {speed} tokens/s · {left} left'

/** A bar that moves with the steps, what else happens above it. */
export function barReport(terminal: Terminal, stream: NodeJS.WritableStream = process.stderr): TrainingReport {
  const bar = progressBar(barFormat, stream)
  let shown = false
  let at = 0
  let steps = 0
  let last = { epoch: '0.0', loss: '–', lr: '–', speed: '–', left: '–' }
  const show = (): void => {
    bar.start(steps, at, last)
    shown = true
  }
  return (event) => {
    if (event.type === 'step') {
      if (!shown) show()
      at = event.step
      last = {
        epoch: event.epoch.toFixed(1),
        loss: event.loss.toFixed(3),
        lr: rate(event.learningRate),
        speed: quantity(event.tokensPerSecond),
        left: duration(event.secondsLeft),
      }
      bar.update(at, last)
      return
    }
    if (event.type === 'start') {
      steps = event.steps
      at = event.step
    }
    if (shown) {
      bar.stop()
      shown = false
    }
    terminal.out(describeEvent(event))
  }
}

// Enough lines to follow a run, few enough to read them afterwards.
const linesOfSteps = 40

/** Plain lines: some of the steps, all that happens else. */
export function lineReport(terminal: Terminal): TrainingReport {
  let every = 1
  return (event) => {
    if (event.type === 'start') every = Math.max(1, Math.ceil(event.steps / linesOfSteps))
    if (event.type !== 'step' || event.step % every === 0 || event.step === event.steps)
      terminal.out(describeEvent(event))
  }
}

export function describeEvent(event: TrainingEvent): string {
  switch (event.type) {
    case 'start':
      return planTable(event, event.step)
    case 'step':
      return `step ${event.step}/${event.steps}  epoch ${event.epoch.toFixed(2)}  loss ${event.loss.toFixed(4)}  lr ${rate(event.learningRate)}  ${quantity(event.tokensPerSecond)} tokens/s  ${duration(event.secondsLeft)} left\n`
    case 'evaluation':
      return `validation at step ${event.step}  loss ${event.loss.toFixed(4)}${describeMetrics(event.metrics)}${event.best ? '  best so far' : ''}\n`
    case 'unfreeze':
      return `from step ${event.step + 1} on ${quantity(event.trained)} parameters are trained (stage ${event.stage} of ${event.stages})\n`
    case 'checkpoint':
      return `checkpoint at step ${event.step}  ${event.path}\n`
    case 'warning':
      return `warning: ${event.message}\n`
    case 'done': {
      const validation =
        event.validationLoss === undefined
          ? ''
          : `, validation loss ${event.validationLoss.toFixed(4)} (step ${event.bestStep})`
      const why = event.reason === 'early-stopping' ? 'stopped early' : 'done'
      const saved = event.output === undefined ? '' : `\nsaved to ${event.output}`
      return `${why} after ${event.step} steps in ${duration(event.seconds)}: training loss ${event.trainLoss.toFixed(4)}${validation}${saved}\n`
    }
  }
}

/** What was measured beside the loss. */
function describeMetrics(metrics: Readonly<Record<string, number>>): string {
  const others = Object.entries(metrics).filter(([name]) => name !== 'loss')
  return others.map(([name, value]) => `  ${name} ${value.toFixed(value < 10 ? 4 : 2)}`).join('')
}
