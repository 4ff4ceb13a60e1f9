/** The tables of docs/performance-cuda.md. `node dist-bench/cuda/write-performance-tables.js` puts them there; a test compares. */
import { openSession } from '../../dist/session.js'
import { gpus } from './gpus.js'
import { nameOf, type KernelCase } from './kernel-case.js'
import { kernelCases } from './kernel-cases.js'
import { classOf, kernelClasses, type KernelDtype } from './kernel-class.js'
import { costOf } from './kernel-program.js'
import { predictKernel, predictStep } from './roofline.js'
import { readStepCases, tokensOf } from './step-cases.js'
import { stepCosts } from './step-costs.js'

const cards = Object.values(gpus)
const stepDtype: KernelDtype = 'bf16'

/** By the name between `<!-- table: NAME -->` and `<!-- end -->`. */
export function performanceTables(): Record<string, string> {
  return { peaks: peaksTable(), kernels: kernelsTable(), steps: stepsTable(), shares: sharesTable() }
}

/** The text with its tables as they are now. @throws Error where a table has no place */
export function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((page, [name, table]) => {
    const place = new RegExp(`(<!-- table: ${name} -->\\n)[^]*?(<!-- end -->)`)
    if (!place.test(page)) throw new Error(`there is no place for the table '${name}'`)
    return page.replace(place, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`)
  }, text)
}

/** As prettier aligns them. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[], text = 1): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i < text ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = widths.map((width, i) => (i < text ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

function digits(value: number, count = 3): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: count })
}

function part(share: number): string {
  return `${Math.round(100 * share)} %`
}

function peaksTable(): string {
  const tera = (value: number): string => `${digits(value / 1e12)} TFLOP/s`
  const rows: [string, (card: (typeof cards)[number]) => string][] = [
    ['bf16 products, data sheet', ({ tensorPeak }) => tera(tensorPeak.bf16)],
    ['float32 products (a third of TF32)', ({ tensorPeak }) => tera(tensorPeak.tf32 / 3)],
    ['memory, data sheet', ({ bandwidth }) => `${digits(bandwidth / 1e9, 4)} GB/s`],
    ['attainable: products, head', ({ attainable }) => part(attainable.products)],
    ['attainable: attention', ({ attainable }) => part(attainable.attention)],
    ['attainable: attention backward', ({ attainable }) => part(attainable.attentionBackward)],
    ['attainable: memory', ({ attainable }) => part(attainable.bandwidth)],
  ]
  return markdown(
    ['', ...cards.map(({ name }) => name)],
    rows.map(([name, of]) => [name, ...cards.map(of)]),
  )
}

/** A few of each class; the report of a run has all. */
function isShown({ op, shape, dtype }: KernelCase): boolean {
  const shown = [
    /^linear (NT|NN) 8192x768x3072$/,
    /^linear_weight_gradient TN 8192x768x3072$/,
    /^linear NT 4096x4096x14336$/,
    /^linear (LoRA|thin) 4096x4096x/,
    /^linear_weight_gradient LoRA A 4096x4096x16$/,
    /^linear decode 8x4096x14336$/,
    /^linear_cross_entropy (8192x768x50257|4096x4096x128256)$/,
    /^attention(_backward)? \d+x(512|2048|16384) \d+x(64|128) causal$/,
    /^cached_attention decode 8x2048 32\/8x128$/,
    /^(layer_norm|layer_norm_backward) 8192x768$/,
    /^rms_norm(_backward)? 4096x4096$/,
    /^gated_activation(_backward)? silu 4096x14336$/,
    /^activation gelu_new 8192x3072$/,
    /^rotary 4096x32x128$/,
    /^add 4096x4096$/,
    /^embedding_backward 8192x768 of 50257$/,
    /^(adamw|adamw_8bit|squared_sum) /,
  ]
  const name = `${op} ${shape}`
  const inFloat =
    /^linear (NT|NN) 8192x768x3072$|^linear_weight_gradient TN 8192x768x3072$|^attention \d+x2048 32x64 causal$/
  return shown.some((pattern) => pattern.test(name)) && (dtype === 'bf16' || inFloat.test(name))
}

function kernelsTable(): string {
  const session = openSession({ device: 'cpu', threads: 1, instructionSet: '', planned: true })
  try {
    const cases = kernelCases()
      .filter(isShown)
      .map((definition) => ({ definition, cost: costOf(session, definition) }))
    const order = (op: string): number => kernelClasses.indexOf(classOf(op))
    cases.sort((a, b) => order(a.definition.op) - order(b.definition.op))
    const rows = cases.map(({ definition, cost }) => {
      const predictions = cards.map((card) => predictKernel(cost, definition.dtype, card))
      const work = cost.products + cost.attention + cost.elements
      return [
        nameOf(definition),
        classOf(definition.op),
        digits(work / 1e9),
        digits(cost.bytes / 1e6),
        ...predictions.map(({ seconds, bound }) => {
          const rate =
            bound === 'products' ? `${digits(work / seconds / 1e12)} T` : `${digits(cost.bytes / seconds / 1e9)} G`
          return `${digits(1e6 * seconds)} (${rate})`
        }),
      ]
    })
    return markdown(['kernel', 'class', 'GFLOP', 'MB', ...cards.map(({ name }) => name)], rows, 2)
  } finally {
    session.dispose()
  }
}

const steps = () => Object.values(readStepCases()).map((step) => ({ step, costs: stepCosts(step, stepDtype) }))

function stepsTable(): string {
  const rows = steps().map(({ step, costs: { costs, memory } }) => {
    const target = step.targetLength === undefined ? '' : ` + ${step.targetLength}`
    const work = costs.reduce((sum, { products, attention, elements }) => sum + products + attention + elements, 0)
    return [
      step.title,
      `${step.batch} x ${target === '' ? step.length : `(${step.length}${target})`}`,
      digits(work / 1e12),
      digits(memory / 2 ** 30),
      ...cards.map((card) => {
        const { seconds, flops } = predictStep(costs, stepDtype, card)
        const speed = digits(tokensOf(step) / seconds)
        return `${digits(1e3 * seconds)} ms, ${speed}, ${part(flops / seconds / card.tensorPeak.bf16)}`
      }),
    ]
  })
  return markdown(['step', 'tokens', 'TFLOP', 'GiB', ...cards.map(({ name }) => name)], rows, 2)
}

function sharesTable(): string {
  const rows = steps().map(({ step, costs: { costs } }) => {
    const { seconds, byClass, kernels } = predictStep(costs, stepDtype, gpus.a100)
    return [step.title, ...kernelClasses.map((name) => part(byClass[name] / seconds)), String(kernels)]
  })
  return markdown(['step, A100', ...kernelClasses, 'launches'], rows)
}
