"""Trains the T5 of config.json in PyTorch on out/steps.jsonl and translates out/test.jsonl.

    python bench/peers/translate/torch_translate.py [--threads 2] [--steps 2000]

The same initial weights, token ids, steps and learning rates as attune-translate.mjs, float32, eager. Prints one JSON line,
the same fields; the translations are in out/pytorch.txt.
"""
import argparse
import json
import os
import pathlib
import platform
import resource
import sys
import time

HERE = pathlib.Path(__file__).parent
OUT = HERE / "out"
SETTINGS = json.loads((HERE / "settings.json").read_text())


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=SETTINGS["steps"])
    parser.add_argument("--fused", action="store_true", help="AdamW as one kernel")
    parser.add_argument("--medium", action="store_true", help="float32 products may round their inputs to bfloat16")
    return parser.parse_args()


def peak_rss_mib():
    scale = 1 if platform.system() == "Darwin" else 1024  # bytes there, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20)


def read(name):
    return [json.loads(line) for line in (OUT / name).read_text().splitlines()]


def main(o):
    # Read by libraries as they load, so set before torch is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(o.threads)
    import torch
    import transformers

    torch.set_num_threads(o.threads)
    torch.manual_seed(SETTINGS["seed"])
    if o.medium:
        torch.set_float32_matmul_precision("medium")
    model = transformers.T5ForConditionalGeneration.from_pretrained(OUT / "initial", dtype=torch.float32).train()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(OUT / "initial" / "tokenizer.json"))
    pad = model.config.pad_token_id

    def padded(rows, filler):
        longest = max(map(len, rows))
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

    def inputs(rows):
        return dict(input_ids=padded(rows, pad), attention_mask=padded([[1] * len(row) for row in rows], 0))

    # attune leaves norms out of weight decay; T5 has no biases.
    norms = [p for name, p in model.named_parameters() if "layer_norm" in name]
    others = [p for name, p in model.named_parameters() if "layer_norm" not in name]
    groups = [dict(params=others, weight_decay=SETTINGS["weightDecay"]), dict(params=norms, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=SETTINGS["learningRate"], **({"fused": True} if o.fused else {}))

    steps = read("steps.jsonl")[: o.steps]
    warmup, every = SETTINGS["warmupSteps"], SETTINGS["logEvery"]
    log, total = [], 0.0
    begin, cpu_begin = time.perf_counter(), time.process_time()
    for i, step in enumerate(steps):
        for group in optimizer.param_groups:
            group["lr"] = SETTINGS["learningRate"] * min((i + 1) / warmup, (len(steps) - i) / (len(steps) - warmup))
        loss = model(**inputs(step["source"]), labels=padded(step["target"], -100)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["maxGradNorm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.item()
        if (i + 1) % every == 0:
            log.append(dict(step=i + 1, loss=round(total / every, 4), seconds=round(time.perf_counter() - begin, 1)))
            print(f"step {i + 1}/{len(steps)}  loss {log[-1]['loss']}  {log[-1]['seconds']} s", file=sys.stderr, flush=True)
            total = 0.0
    train_seconds, train_cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu_begin
    train_peak = peak_rss_mib()

    model.eval()
    test = read("test.jsonl")
    size = SETTINGS["batchSize"]
    batches = [test[i : i + size] for i in range(0, len(test), size)]
    loss_sum, tokens, texts = 0.0, 0, []
    with torch.inference_mode():
        for rows in batches:
            count = sum(len(row["target"]) for row in rows)
            labels = padded([row["target"] for row in rows], -100)
            loss_sum += model(**inputs([row["source"] for row in rows]), labels=labels).loss.item() * count
            tokens += count
        begin, cpu_begin = time.perf_counter(), time.process_time()
        for rows in batches:
            ids = model.generate(
                **inputs([row["source"] for row in rows]), max_new_tokens=SETTINGS["maxNewTokens"], do_sample=False, num_beams=1
            )
            texts += tokenizer.batch_decode(ids, skip_special_tokens=True)
        translate_seconds, translate_cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu_begin
    (OUT / "pytorch.txt").write_text("".join(text.strip().replace("\n", " ") + "\n" for text in texts))
    variant = "+".join(["fp32"] + (["medium"] if o.medium else []) + (["fused"] if o.fused else []))
    print(
        json.dumps(
            dict(
                engine="pytorch",
                variant=variant,
                threads=o.threads,
                steps=len(steps),
                trainSeconds=round(train_seconds, 1),
                trainCpuSeconds=round(train_cpu_seconds, 1),
                stepSeconds=round(train_seconds / len(steps), 4),
                trainPeakRssMib=train_peak,
                peakRssMib=peak_rss_mib(),
                parameters=sum(p.numel() for p in model.parameters()),
                testLoss=round(loss_sum / tokens, 4),
                translateSeconds=round(translate_seconds, 1),
                translateCpuSeconds=round(translate_cpu_seconds, 1),
                log=log,
                load=round(os.getloadavg()[0], 2),
                versions=dict(
                    python=platform.python_version(), torch=torch.__version__, transformers=transformers.__version__
                ),
            )
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(options())
