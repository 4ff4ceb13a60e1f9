"""Tiny models of families and heads that the golden cases do not hold, with transformers' logits, losses and gradients.

    python test/parity/transformers/make-cases.py [NAME ...]      (needs torch, transformers and safetensors)

Writes a folder a case beside this file: config.json, model.safetensors, case.json (batch, logits, loss, gradient norms).
"""

import json
import pathlib
import sys

import torch
import transformers
from transformers import AutoConfig

HERE = pathlib.Path(__file__).parent
COMMON = dict(vocab_size=61, num_hidden_layers=2, num_attention_heads=4, hidden_size=16, intermediate_size=24, max_position_embeddings=32)
IDS = [[7, 11, 3, 29, 40, 5, 17], [9, 2, 33], [21, 8, 50, 4, 12]]
# transformers lets the padding take part in the choice of a span, so these rows have none.
SPAN_IDS = [[7, 11, 3, 29, 40], [9, 2, 33, 6, 19], [21, 8, 50, 4, 12]]


def tokens(labels):
    return [[(3 * t + i) % labels if (t + i) % 3 else -100 for i, t in enumerate(row)] for row in IDS]


CASES = {
    "gpt-neox": ("GPTNeoXForCausalLM", "gpt_neox", dict(COMMON, rotary_pct=0.5, hidden_act="gelu"), "causal-lm", None),
    "gpt-neox-sequential": ("GPTNeoXForCausalLM", "gpt_neox", dict(COMMON, rotary_pct=1.0, use_parallel_residual=False), "causal-lm", None),
    "gemma": ("GemmaForCausalLM", "gemma", dict(COMMON, num_key_value_heads=1, head_dim=8, pad_token_id=0), "causal-lm", None),
    "gemma2-seqcls": ("Gemma2ForSequenceClassification", "gemma2", dict(COMMON, num_key_value_heads=2, head_dim=8, sliding_window=4, num_labels=3, pad_token_id=0, query_pre_attn_scalar=8), "sequence-classification", [0, 2, 1]),
    "qwen3-seqcls": ("Qwen3ForSequenceClassification", "qwen3", dict(COMMON, num_key_value_heads=2, head_dim=6, num_labels=3, pad_token_id=0), "sequence-classification", [1, 0, 2]),
    "mistral-tokcls": ("MistralForTokenClassification", "mistral", dict(COMMON, num_key_value_heads=2, sliding_window=3, num_labels=3), "token-classification", tokens(3)),
    "llama-biases": ("LlamaForCausalLM", "llama", dict(COMMON, num_key_value_heads=2, attention_bias=True, mlp_bias=True, tie_word_embeddings=True), "causal-lm", None),
    "llama-regression": ("LlamaForSequenceClassification", "llama", dict(COMMON, num_labels=1, pad_token_id=0), "sequence-classification", [0.5, -1.0, 2.0]),
    "gpt2-tokcls": ("GPT2ForTokenClassification", "gpt2", dict(vocab_size=61, n_positions=32, n_embd=16, n_layer=2, n_head=4, num_labels=4), "token-classification", tokens(4)),
    "bert-qa": ("BertForQuestionAnswering", "bert", dict(COMMON), "question-answering", [[1, 3], [0, 2], [4, 4]]),
    "roberta-seqcls": ("RobertaForSequenceClassification", "roberta", dict(COMMON, type_vocab_size=1, pad_token_id=1, num_labels=3), "sequence-classification", [2, 0, 1]),
    "xlm-roberta-tokcls": ("XLMRobertaForTokenClassification", "xlm-roberta", dict(COMMON, type_vocab_size=1, pad_token_id=1, num_labels=3), "token-classification", tokens(3)),
    "distilbert-mlm": ("DistilBertForMaskedLM", "distilbert", dict(vocab_size=61, dim=16, n_layers=2, n_heads=4, hidden_dim=24, max_position_embeddings=32), "masked-lm", tokens(61)),
    "distilbert-tokcls": ("DistilBertForTokenClassification", "distilbert", dict(vocab_size=61, dim=16, n_layers=2, n_heads=4, hidden_dim=24, max_position_embeddings=32, num_labels=3), "token-classification", tokens(3)),
    "distilbert-qa": ("DistilBertForQuestionAnswering", "distilbert", dict(vocab_size=61, dim=16, n_layers=2, n_heads=4, hidden_dim=24, max_position_embeddings=32), "question-answering", [[1, 3], [0, 2], [4, 4]]),
    "modernbert-seqcls": ("ModernBertForSequenceClassification", "modernbert", dict(COMMON, num_hidden_layers=4, local_attention=4, pad_token_id=0, num_labels=3, classifier_pooling="mean"), "sequence-classification", [2, 0, 1]),
    "modernbert-multilabel": ("ModernBertForSequenceClassification", "modernbert", dict(COMMON, num_hidden_layers=3, local_attention=4, pad_token_id=0, num_labels=3, classifier_pooling="cls", problem_type="multi_label_classification"), "sequence-classification", [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]]),
    "modernbert-tokcls": ("ModernBertForTokenClassification", "modernbert", dict(COMMON, num_hidden_layers=3, local_attention=4, pad_token_id=0, num_labels=3), "token-classification", tokens(3)),
    "mt5": ("MT5ForConditionalGeneration", "mt5", dict(vocab_size=61, d_model=16, d_kv=5, d_ff=24, num_layers=2, num_decoder_layers=1, num_heads=3, relative_attention_num_buckets=8, relative_attention_max_distance=12, feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0), "seq2seq-lm", [[5, 9, 1], [31, 1], [14, 2, 50, 1]]),
    # Row 0 is an anchor, whose positive is the second of the candidates behind it.
    "t5-embedding": ("T5EncoderModel", "t5", dict(vocab_size=61, d_model=16, d_kv=5, d_ff=24, num_layers=2, num_heads=3, relative_attention_num_buckets=8, relative_attention_max_distance=12), "embedding", [1]),
}


def padded(rows, fill):
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def embed(model, inputs, labels):
    """Means of the hidden states; the loss is sentence-transformers' MultipleNegativesRankingLoss."""
    mask = inputs["attention_mask"].unsqueeze(-1)
    texts = (model(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1)
    unit = torch.nn.functional.normalize(texts)
    anchors = len(labels)
    return texts, torch.nn.functional.cross_entropy(20 * unit[:anchors] @ unit[anchors:].T, torch.tensor(labels))


def make(name, class_name, model_type, options, task, labels):
    torch.manual_seed(sum(map(ord, name)))
    config = AutoConfig.for_model(model_type, **options)
    model = getattr(transformers, class_name)(config).eval()
    with torch.no_grad():
        # Larger than the usual initial values, so that every part of the arithmetic is felt.
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn_like(parameter))
    ids = SPAN_IDS if task == "question-answering" else IDS
    labels = ids if labels is None else labels
    mask = padded([[1] * len(row) for row in ids], 0)
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    inputs = dict(input_ids=padded(ids, pad), attention_mask=mask)
    if task == "question-answering":
        inputs.update(start_positions=torch.tensor([a for a, _ in labels]), end_positions=torch.tensor([b for _, b in labels]))
    elif task == "sequence-classification":
        inputs["labels"] = torch.tensor(labels)
    elif task != "embedding":
        inputs["labels"] = padded(labels, -100)
    if task == "embedding":
        logits, loss = embed(model, inputs, labels)
    else:
        output = model(**inputs)
        loss = output.loss
        logits = torch.stack([output.start_logits, output.end_logits], -1) if task == "question-answering" else output.logits
    loss.backward()
    if task in ("sequence-classification", "embedding"):
        rows = logits.tolist()
    else:
        lengths = [len(row) for row in (labels if task == "seq2seq-lm" else ids)]
        rows = [row for r, length in enumerate(lengths) for row in logits[r, :length].tolist()]
    # GPT-NeoX's head has another name in files than in memory.
    named = lambda key: "embed_out.weight" if key == "lm_head.weight" and "NeoX" in class_name else key
    norms = {named(key): value.grad.norm().item() for key, value in model.named_parameters() if value.grad is not None}
    folder = HERE / name
    model.save_pretrained(folder)
    for extra in folder.glob("generation_config.json"):
        extra.unlink()
    case = dict(
        made_by=f"transformers {transformers.__version__}, torch {torch.__version__}",
        task=task,
        input_ids=ids,
        labels=labels,
        loss=loss.item(),
        logits=[[round(value, 6) for value in row] for row in rows],
        gradient_norms={key: float(f"{value:.6g}") for key, value in norms.items()},
    )
    (folder / "case.json").write_text(json.dumps(case) + "\n")


for name in sys.argv[1:] or CASES:
    make(name, *CASES[name])
    print(name)
