/** The model card: what was trained on what, with which result. */
export function modelCard({
  parameterCount,
  history,
  tokensSeen,
  corpusTokens,
  minutes,
  settings,
  dtype,
  seed,
  steps,
  finished,
}) {
  const { batchSize, length, peakLearningRate, warmup, betas, weightDecay, maxGradNorm } = settings
  const rows = tenth(history).map(
    ({ step, loss, validationLoss }) =>
      `| ${step} | ${thousands(step * batchSize * length)} | ${loss.toFixed(3)} | ${validationLoss.toFixed(3)} |`,
  )
  return `---
license: cc-by-sa-3.0
language: en
pipeline_tag: text-generation
library_name: attune
---

# attune-base

A tiny language model (${(parameterCount / 1e6).toFixed(2)} million parameters, Llama layout, 4,096-token byte-level BPE) that comes with
attune so that a first fine-tune needs no download. It was pre-trained on a CPU by attune itself:
\`examples/pretrain/\` holds every step. It writes short English sentences and knows very little: it is
there to be fine-tuned and to show how that works, not to answer questions.

## Data

Plain English, chosen for being near to conversation; one whole file of each kind is held out for validation.

| kind | share of the tokens | licence |
| --- | --- | --- |
| English novels published by 1927, passages with much dialogue | half | public domain |
| English Wikipedia, articles begun in 2018, prose about everyday and business matters | two fifths | CC BY-SA 3.0 |
| US state-of-the-union and inaugural addresses | a twentieth | public domain |
| conversations taken from the novels' dialogue and the articles' first sentences, in the chat markup | a sixteenth | as their source |

## Training

${steps} steps${finished ? '' : ' (of a run that was not finished)'} of ${batchSize} windows of ${length} tokens: ${thousands(tokensSeen)} tokens of ${thousands(corpusTokens)} in ${minutes.toFixed(0)} minutes.
AdamW, learning rate ${peakLearningRate} after ${warmup} steps of warm-up, cosine to a tenth, betas ${betas.join(' and ')}, weight decay ${weightDecay}
(matrices only), gradients clipped to norm ${maxGradNorm}, compute in ${dtype}, weights stored in bfloat16, seed ${seed}.
The context is 512 tokens; training windows had ${length}.

| step | tokens | training loss | validation loss |
| --- | --- | --- | --- |
${rows.join('\n')}

Loss is cross-entropy a token in nats; the training column is the loss of that one step, the validation column the mean over 64 held-out windows.

## Format

\`<|end_of_text|>\` separates documents. Chats follow ChatML: \`<|im_start|>role\\n…<|im_end|>\\n\`; the template is in \`tokenizer_config.json\`.

## Licence

The novels and speeches are in the public domain. The Wikipedia text is by its authors, CC BY-SA 3.0, so these weights are offered under
CC BY-SA 3.0 with attribution to the contributors of the English Wikipedia. attune's own code is Apache-2.0.
`
}

/** At most ten entries spread over the run, the first and the last among them. */
function tenth(history) {
  if (history.length <= 10) return history
  return Array.from({ length: 10 }, (_, i) => history[Math.round((i * (history.length - 1)) / 9)])
}

function thousands(count) {
  return count.toLocaleString('en-US')
}
