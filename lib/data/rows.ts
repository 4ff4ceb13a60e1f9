import type { Message, Tool } from '../tokenizer/message.js'

/** A prompt and what the model should answer. */
export interface PromptCompletionRow {
  readonly prompt: string
  readonly completion: string
}

/** A conversation, with the tools the assistant could call. */
export interface MessagesRow {
  readonly messages: readonly Message[]
  readonly tools?: readonly Tool[] | undefined
  /** Whether the assistant may make several calls in one turn, where the row says it. */
  readonly parallel_tool_calls?: boolean | undefined
}

/** Two answers to the same prompt, one better than the other: all three texts, or all three messages. */
export type PreferenceRow = TextPreference | ConversationPreference

export interface TextPreference {
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
}

export interface ConversationPreference {
  readonly prompt: readonly Message[]
  readonly chosen: readonly Message[]
  readonly rejected: readonly Message[]
  readonly tools?: readonly Tool[] | undefined
}

/** A prompt and an answer that was good (true) or not: both texts, or both messages. */
export type UnpairedPreferenceRow =
  | { readonly prompt: string; readonly completion: string; readonly label: boolean }
  | {
      readonly prompt: readonly Message[]
      readonly completion: readonly Message[]
      readonly label: boolean
      readonly tools?: readonly Tool[] | undefined
    }

/** Plain text. */
export interface TextRow {
  readonly text: string
}

/** A class by its name or its index. */
export type Label = string | number

/** A text, or a pair of texts, of one class; for regression the label is the number to predict. */
export interface TextLabelRow {
  readonly text: string
  readonly text_pair?: string | undefined
  readonly label: Label
}

/** A text (or pair) of any number of classes: their names or indices, or a list of 0 and 1 with one entry per class. */
export interface TextLabelsRow {
  readonly text: string
  readonly text_pair?: string | undefined
  readonly labels: readonly Label[]
}

/** The words of a text, each with a tag (its name or its index). */
export interface TokensTagsRow {
  readonly tokens: readonly string[]
  readonly tags: readonly Label[]
}

/** A question and the text that answers it, as in SQuAD. */
export interface QuestionAnsweringRow {
  readonly question: string
  readonly context: string
  /** The right answers; empty lists where the context has none. `answer_start` counts Unicode code points. */
  readonly answers: { readonly text: readonly string[]; readonly answer_start: readonly number[] }
}

/** A text and what it should become. */
export interface SourceTargetRow {
  readonly source: string
  readonly target: string
}

/** Two texts that should lie close to each other, and one that should not. */
export interface AnchorPositiveRow {
  readonly anchor: string
  readonly positive: string
  readonly negative?: string | undefined
}

/** A row as a dataset holds it. */
export type DatasetRow =
  | PromptCompletionRow
  | MessagesRow
  | TextRow
  | TextLabelRow
  | TextLabelsRow
  | TokensTagsRow
  | QuestionAnsweringRow
  | SourceTargetRow
  | AnchorPositiveRow
  | PreferenceRow
  | UnpairedPreferenceRow

/** Other names for the same things that rows may come with. */
export type RowAlias =
  | { readonly premise: string; readonly hypothesis: string; readonly label: Label }
  | { readonly sentence1: string; readonly sentence2: string; readonly label: Label }
  | { readonly tokens: readonly string[]; readonly ner_tags: readonly Label[] }
  | {
      readonly question: string
      readonly context: string
      readonly answer: string | null
      readonly answer_start?: number | null | undefined
    }
  | { readonly translation: Readonly<Record<string, string>> }
  | { readonly conversations: readonly SharedTurn[]; readonly system?: string | null | undefined }
  | { readonly instruction: string; readonly input?: string | null | undefined; readonly output: string }
  | { readonly prompt: readonly Message[]; readonly completion: readonly Message[]; readonly tools?: readonly Tool[] }
  | { readonly chosen: string | readonly Message[]; readonly rejected: string | readonly Message[] }
  | {
      readonly input: { readonly messages: readonly Message[]; readonly tools?: readonly Tool[] | undefined }
      readonly preferred_output: readonly Message[]
      readonly non_preferred_output: readonly Message[]
    }
  | {
      readonly input: { readonly messages: readonly Message[]; readonly tools?: readonly Tool[] | undefined }
      readonly preferred_completion: readonly Message[]
      readonly non_preferred_completion: readonly Message[]
    }

/** A turn of a conversation in ShareGPT's form. */
export interface SharedTurn {
  readonly from: string
  readonly value: string
}

export type ShapeName =
  | 'messages'
  | 'preference'
  | 'unpaired-preference'
  | 'prompt-completion'
  | 'tokens-tags'
  | 'question-answering'
  | 'source-target'
  | 'anchor-positive'
  | 'text-labels'
  | 'text-label'
  | 'text'
