/** What OpenAI's hosted fine-tuning chooses where a setting is left 'auto', as its cookbook and documentation tell. */
export interface HostedSettings {
  readonly epochs: number
  readonly batchSize: number
  readonly learningRateMultiplier: number
  /** Trained tokens that would be billed, by this tokenizer's count; absent where there is no tokenizer. */
  readonly billedTokens?: number
}

const usualEpochs = 3
const fewestExamples = 100
const mostExamples = 25_000
const mostEpochs = 25
const largestBatch = 256

export function hostedSettings(examples: number): Omit<HostedSettings, 'billedTokens'> {
  const batchSize = Math.min(largestBatch, Math.max(1, Math.round(0.002 * examples)))
  return { epochs: hostedEpochs(examples), batchSize, learningRateMultiplier: multiplier(batchSize) }
}

function hostedEpochs(examples: number): number {
  const seen = examples * usualEpochs
  if (seen < fewestExamples) return Math.min(mostEpochs, Math.floor(fewestExamples / Math.max(examples, 1)))
  if (seen > mostExamples) return Math.max(1, Math.floor(mostExamples / examples))
  return usualEpochs
}

/** One of three, larger for larger batches; where the service draws the lines between them it does not say. */
function multiplier(batchSize: number): number {
  if (batchSize < 8) return 0.05
  return batchSize < 64 ? 0.1 : 0.2
}
