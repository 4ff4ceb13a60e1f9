/** Gives `Model` its methods that predict, as generate/model-generate.ts gives it `generate`. */
import type { TextOrPair } from '../data/encode-texts.js'
import { Model } from '../models/model.js'
import { answer, answerStream, type AnsweredQuestion, type AnswerOptions, type Question } from './answer.js'
import { classify, classifyStream, type ClassifyOptions, type Prediction } from './classify.js'
import { embed, embedStream, type EmbedOptions } from './embed.js'
import { tag, tagStream, type TaggedText, type TagOptions } from './tag.js'

declare module '../models/model.js' {
  interface Model {
    /**
     * What a sequence classifier says of each text or pair of texts, in the order given.
     * @throws AttuneError 'unsupported-task', 'invalid-input' and 'sequence-too-long' naming the text, 'invalid-option', 'aborted'
     */
    classify(texts: readonly TextOrPair[], options?: ClassifyOptions): Promise<Prediction[]>
    /**
     * The entities of each text, or of each list of words, in the order given.
     * @throws AttuneError 'unsupported-task', 'invalid-input' naming the text, 'invalid-option', 'aborted'
     */
    tag(texts: readonly (string | readonly string[])[], options?: TagOptions): Promise<TaggedText[]>
    /**
     * The likeliest answers to a question, or to each of a list, among the spans of its context.
     * @throws AttuneError 'unsupported-task', 'invalid-input' and 'sequence-too-long' naming the question, 'invalid-option', 'aborted'
     */
    answer(question: Question, options?: AnswerOptions): Promise<AnsweredQuestion>
    answer(questions: readonly Question[], options?: AnswerOptions): Promise<AnsweredQuestion[]>
    /**
     * The embedding of each text, in the order given.
     * @throws AttuneError 'unsupported-task', 'invalid-input' and 'sequence-too-long' naming the text, 'invalid-option', 'aborted'
     */
    embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>
  }
}

Model.prototype.classify = function (texts, options) {
  return classify(this, texts, options)
}
Model.prototype.tag = function (texts, options) {
  return tag(this, texts, options)
}
Model.prototype.answer = function (this: Model, questions: Question | readonly Question[], options?: AnswerOptions) {
  return answer(this, questions as Question, options)
} as Model['answer']
Model.prototype.embed = function (texts, options) {
  return embed(this, texts, options)
}

export { answer, answerStream, classify, classifyStream, embed, embedStream, tag, tagStream }
