/** What a run warns about: before it starts (the first five), and while it goes on. */
export type WarningCode =
  'few-rows' | 'many-epochs' | 'truncated-rows' | 'skipped-rows' | 'few-steps' | 'overfitting' | 'earlier-run'
