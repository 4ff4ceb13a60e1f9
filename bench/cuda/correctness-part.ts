/** What had to be right before anything was timed, on the page. */
import { facts } from '../../dist/page/facts.js'
import { percent } from '../../dist/page/figures.js'
import { html, type Content } from '../../dist/page/markup.js'
import { isAbsent } from './absent.js'
import { lossChart } from './charts.js'
import { faults, type Correctness } from './correctness.js'
import type { OpError, TensorError } from './op-error.js'
import { resultTable, type Row } from './result-table.js'

export function correctnessPart(correctness: Correctness): Content {
  const { tests, opErrors, sanitizer, repeatable, losses } = correctness
  const wrong = faults(correctness)
  const rows: [string, string][] = [
    ...tests.map((test): [string, string] => [
      test.name,
      isAbsent(test) ? test.missing : `${test.passed} passed, ${test.failed} failed, ${test.skipped} skipped`,
    ]),
    ['errors of ops', isAbsent(opErrors) ? opErrors.missing : largestError(opErrors)],
    ...(isAbsent(sanitizer)
      ? [['compute-sanitizer', sanitizer.missing] as [string, string]]
      : sanitizer.map(({ tool, errors }): [string, string] => [
          tool,
          errors === undefined ? 'no summary' : `${errors} errors`,
        ])),
    [
      'the same training twice',
      isAbsent(repeatable)
        ? repeatable.missing
        : `${repeatable.same ? 'the same bits' : 'other bits'} after ${repeatable.steps} steps`,
    ],
    [
      'losses beside the processor’s',
      isAbsent(losses)
        ? losses.missing
        : `${losses.device.length} steps, at most ${losses.difference.toExponential(1)} apart`,
    ],
  ]
  return html`
    ${wrong.map((fault) => html`<p class="error">${fault}</p>`)} ${facts(rows)}
    ${
      !isAbsent(losses) &&
      html`${lossChart(losses.device, losses.processor)}
        <p class="legend"><span class="key third">processor</span> <span class="key second">device</span></p>`
    }
    ${!isAbsent(opErrors) && opErrorsTable(opErrors)}
  `
}

function largestError(errors: readonly OpError[]): string {
  const parts = errors.flatMap(({ outputs, gradients }) => [outputs.ofTolerance, gradients?.ofTolerance ?? 0])
  return `at most ${percent(Math.max(0, ...parts))} of what is allowed`
}

/** By op, dtype and what is compared. */
function opErrorsTable(errors: readonly OpError[]): Content {
  const row = ({ op, dtype }: OpError, part: string, { absolute, relative, ofTolerance }: TensorError): Row => ({
    head: [op, dtype, part],
    cells: [absolute.toExponential(1), relative.toExponential(1), percent(ofTolerance)],
  })
  const rows = errors.flatMap((error) => [
    row(error, 'outputs', error.outputs),
    ...(error.gradients === undefined ? [] : [row(error, 'gradients', error.gradients)]),
  ])
  return html`<details>
    <summary>Errors of every op against float64, the largest over its cases</summary>
    ${resultTable(['op', 'dtype', 'of', 'absolute', 'relative', 'of what is allowed'], rows)}
    <p class="soft">
      Relative: to the largest element of the reference. Allowed is what the tests let an element be off.
    </p>
  </details>`
}
