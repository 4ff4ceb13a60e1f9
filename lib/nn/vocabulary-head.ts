/** A head over the vocabulary: logits, or head, softmax and cross-entropy in one op that runs on labelled rows alone. */
import { features, type GraphBuilder, type TokenRows, type Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'
import { askedRows, lossScale } from './inputs.js'

export interface VocabularyHeadOptions {
  readonly vocabulary: number
  /** Module path of the matrix. */
  readonly module: string
  /** Module path of the embedding whose table is the matrix; undefined: the head has its own. */
  readonly tiedTo: string | undefined
  /** Full name of the bias. @default none */
  readonly bias?: string | undefined
  /** logits = softcap · tanh(logits / softcap). @default none */
  readonly softcap?: number | undefined
  /** Layers before the matrix. @default none */
  readonly transform?: ((g: GraphBuilder, rows: Value) => Value) | undefined
}

export function vocabularyLogits(g: GraphBuilder, rows: Value, options: VocabularyHeadOptions): Value {
  const x = transformed(g, rows, options)
  const at = g.in(options.module)
  const y = logits(at, x, { weight: matrix(g, x, options), bias: bias(g, options), tokens: tokenRows(g, x, options) })
  const { softcap } = options
  if (softcap === undefined) return y
  return ops.scale(at, ops.activation(at, ops.scale(at, y, 1 / softcap), 'tanh'), softcap)
}

export function vocabularyLoss(
  g: GraphBuilder,
  hidden: Value,
  options: VocabularyHeadOptions & { readonly labelSmoothing: number },
): { loss: Value; rowLoss: Value; prediction: Value } {
  const x = transformed(g, askedRows(g.in(options.module), hidden), options)
  return ops.linearCrossEntropy(
    g.in(options.module),
    {
      hidden: x,
      weight: matrix(g, x, options),
      labels: g.input('labels', ['rows'], 'i32', options.vocabulary),
      lossScale: lossScale(g),
      bias: bias(g, options),
      tokens: tokenRows(g, x, options),
    },
    { labelSmoothing: options.labelSmoothing, softcap: options.softcap },
  )
}

/** Before the softcap. */
function logits(
  g: GraphBuilder,
  x: Value,
  { weight, bias: added, tokens }: { weight: Value; bias: Value | undefined; tokens: TokenRows | undefined },
): Value {
  if (tokens === undefined) return ops.linear(g, { x, weight, bias: added })
  const inputs = { y: ops.linear(g, { x, weight }), z: ops.linear(g, { x, weight: tokens.rows }), bias: added }
  return ops.replaceColumns(g, inputs, tokens)
}

/** Of a tied head they are the embedding's. */
function tokenRows(g: GraphBuilder, x: Value, { module, tiedTo }: VocabularyHeadOptions): TokenRows | undefined {
  return g.in(tiedTo ?? module).tokenRows(features(x))
}

function transformed(g: GraphBuilder, rows: Value, { transform }: VocabularyHeadOptions): Value {
  return transform === undefined ? rows : transform(g, rows)
}

function matrix(g: GraphBuilder, x: Value, { vocabulary, module, tiedTo }: VocabularyHeadOptions): Value {
  const shape = [vocabulary, features(x)]
  if (tiedTo !== undefined) return g.in(tiedTo).parameter('weight', shape, 'embedding')
  const at = g.in(module)
  at.declareModule({ kind: 'linear', layout: 'out_in', inputs: features(x), outputs: vocabulary })
  return at.parameter('weight', shape, 'weight')
}

function bias(g: GraphBuilder, { vocabulary, bias: name }: VocabularyHeadOptions): Value | undefined {
  if (name === undefined) return undefined
  const dot = name.lastIndexOf('.')
  return g.in(name.slice(0, dot)).parameter(name.slice(dot + 1), [vocabulary], 'bias')
}
