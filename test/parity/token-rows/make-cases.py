"""Tiny models with a LoRA adapter that trains rows of tokens beside it (PEFT's trainable_token_indices), with PEFT's numbers.

    python test/parity/token-rows/make-cases.py      (needs torch, transformers and peft)

Writes a folder a case beside this file: config.json, model.safetensors, adapter/ (where the steps start) and case.json (batch,
logits, loss, gradients of the rows, norms of all, losses of five steps of AdamW, the rows after them).
"""

import json
import pathlib

import peft
import torch
import transformers
from transformers import AutoConfig

HERE = pathlib.Path(__file__).parent
LLAMA = dict(vocab_size=61, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, hidden_size=16, intermediate_size=24, max_position_embeddings=32)
IDS = [[7, 11, 3, 58, 40, 5, 17], [9, 58, 33], [0, 60, 50, 4, 12]]
# 0 is the padding of gemma2's embedding: as an input its row gets no gradient, in the tied head it does.
CASES = {
    "gpt2-tied": ("GPT2LMHeadModel", "gpt2", dict(vocab_size=61, n_positions=32, n_embd=16, n_layer=2, n_head=4), ["c_attn"], [58, 3, 60, 20]),
    "gemma2-tied": ("Gemma2ForCausalLM", "gemma2", dict(LLAMA, head_dim=8, sliding_window=4, pad_token_id=0, query_pre_attn_scalar=8), ["q_proj", "v_proj"], [60, 58, 0]),
    "llama-embedding": ("LlamaForCausalLM", "llama", dict(LLAMA), ["q_proj", "v_proj"], [58, 60]),
    "llama-both": ("LlamaForCausalLM", "llama", dict(LLAMA), ["q_proj", "v_proj"], {"embed_tokens": [60, 58, 7], "lm_head": [12, 58]}),
}
LEARNING_RATE = 1e-2
STEPS = 5


def rounded(values):
    return [float(f"{value:.7g}") for value in values]


def make(name, class_name, model_type, options, targets, tokens):
    torch.manual_seed(sum(map(ord, name)))
    model = getattr(transformers, class_name)(AutoConfig.for_model(model_type, **options))
    with torch.no_grad():
        # Larger than the usual initial values, so that every part of the arithmetic is felt.
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn_like(parameter))
    folder = HERE / name
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    config = peft.LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=4, target_modules=targets, trainable_token_indices=tokens)
    model = peft.get_peft_model(model, config).eval()
    trained = {key.replace(".default", ""): value for key, value in model.named_parameters() if value.requires_grad}
    with torch.no_grad():
        for value in trained.values():
            value.add_(0.1 * torch.randn_like(value))
    model.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)

    longest = max(map(len, IDS))
    padded = lambda rows, fill: torch.tensor([row + [fill] * (longest - len(row)) for row in rows])
    inputs = dict(input_ids=padded(IDS, 1), attention_mask=padded([[1] * len(row) for row in IDS], 0), labels=padded(IDS, -100))
    optimizer = torch.optim.AdamW(trained.values(), lr=LEARNING_RATE, weight_decay=0.0)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        output = model(**inputs)
        output.loss.backward()
        if step == 0:
            logits = [rounded(row) for r, ids in enumerate(IDS) for row in output.logits[r, : len(ids)].tolist()]
            norms = {key: value.grad.norm().item() for key, value in trained.items()}
            gradients = {key: rounded(value.grad.flatten().tolist()) for key, value in trained.items() if "token" in key}
        losses.append(output.loss.item())
        optimizer.step()
    case = dict(
        made_by=f"peft {peft.__version__}, transformers {transformers.__version__}, torch {torch.__version__}",
        trainable_token_indices=tokens,
        input_ids=IDS,
        learning_rate=LEARNING_RATE,
        logits=logits,
        gradient_norms={key: float(f"{value:.7g}") for key, value in norms.items()},
        gradients=gradients,
        losses=losses,
        after={key: rounded(value.flatten().tolist()) for key, value in trained.items() if "token" in key},
    )
    (folder / "case.json").write_text(json.dumps(case) + "\n")


for name, arguments in CASES.items():
    make(name, *arguments)
    print(name)
