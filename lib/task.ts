/** What a model is for. Tasks and families are independent: a family lists the heads it has. */
export const tasks = [
  'causal-lm',
  'sequence-classification',
  'token-classification',
  'question-answering',
  'masked-lm',
  'seq2seq-lm',
  'embedding',
] as const
export type Task = (typeof tasks)[number]

/** Hugging Face's names of what a sequence classifier predicts: one label, any number of labels, or numbers. */
export const problemTypes = ['single_label_classification', 'multi_label_classification', 'regression'] as const
export type ProblemType = (typeof problemTypes)[number]
