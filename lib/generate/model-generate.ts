/**
 * Gives `Model` its `generate` methods. They live here, not in models/: a model knows nothing of sampling, and what
 * generates may know of models.
 */
import { Model } from '../models/model.js'
import { generate, generateBatch, type Generation, type GenerationPiece } from './generate.js'
import type { GenerateOptions, Prompt } from './generate-options.js'

declare module '../models/model.js' {
  interface Model {
    /**
     * Goes on with a text, a conversation or token ids, piece by piece.
     * @throws AttuneError 'invalid-option', 'sequence-too-long' (the prompt leaves no room), 'aborted'
     */
    generate(prompt: Prompt, options?: GenerateOptions): AsyncGenerator<GenerationPiece, void, void>
    /** Goes on with many prompts at once; each gets what it would get alone. */
    generateBatch(prompts: readonly Prompt[], options?: GenerateOptions): Promise<Generation[]>
  }
}

Model.prototype.generate = function (prompt, options) {
  return generate(this, prompt, options)
}
Model.prototype.generateBatch = function (prompts, options) {
  return generateBatch(this, prompts, options)
}

export { generate, generateBatch }
