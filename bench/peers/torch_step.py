"""Optimiser steps of a model of cases.json (random weights, no download) in PyTorch + transformers + PEFT on the CPU.

    python bench/peers/torch_step.py --case gpt2-full --variant fp32 --threads 2

Prints one JSON line, the same fields as attune-step.mjs. VARIANT is a '+'-joined set:
fp32 | autocast (bfloat16), medium (float32 products may round their inputs to bfloat16), fused (one-kernel AdamW), compile.
"""
import argparse
import json
import logging
import os
import platform
import resource
import statistics
import time
import warnings

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")) as file:
    CASES = json.load(file)
VARIANTS = {"fp32", "autocast", "medium", "fused", "compile"}


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--case", choices=list(CASES), default="gpt2-full")
    parser.add_argument("--variant", default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="timed steps")
    parser.add_argument("--warmup", type=int, default=2, help="steps before timing")
    settled = parser.parse_args()
    unknown = set(settled.variant.split("+")) - VARIANTS
    if unknown:
        parser.error(f"--variant: unknown {', '.join(sorted(unknown))}; there are {', '.join(sorted(VARIANTS))}")
    return settled


def cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def peak_rss_mib():
    scale = 1 if platform.system() == "Darwin" else 1024  # bytes there, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20)


def build(case):
    import transformers

    config = case["config"] if isinstance(case["config"], dict) else CASES[case["config"]]["config"]
    settings = {key: value for key, value in config.items() if key not in ("model_type", "architectures")}
    settled = transformers.AutoConfig.for_model(config["model_type"], use_cache=False, **settings)
    # T5's classes choose their attention themselves.
    attention = {} if config["model_type"] == "t5" else {"attn_implementation": "sdpa"}
    model = getattr(transformers, config["architectures"][0])._from_config(settled, dtype="float32", **attention)
    if "adapter" in case:
        import peft

        adapter = case["adapter"]
        targets = adapter["targets"]
        lora = peft.LoraConfig(
            r=adapter["rank"],
            lora_alpha=adapter["alpha"],
            lora_dropout=0.0,
            target_modules=targets,
            fan_in_fan_out=config["model_type"] == "gpt2",
            task_type="CAUSAL_LM",
        )
        model = peft.get_peft_model(model, lora)
    return model.train()


def main(o):
    # Read by libraries as they load, so set before torch is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(o.threads)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import peft
    import torch
    import transformers

    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    variant = set(o.variant.split("+"))
    if "medium" in variant:
        torch.set_float32_matmul_precision("medium")

    case = CASES[o.case]
    model = build(case)
    trained = [p for p in model.parameters() if p.requires_grad]
    fused = {"fused": True} if "fused" in variant else {}
    optimizer = torch.optim.AdamW(trained, lr=1e-5, **fused)
    vocabulary = model.config.vocab_size
    # The same ids as attune-step.mjs; every token is labelled, or every row.
    rows_of = lambda length: 1 + (torch.arange(case["batch"] * length) * 7919 % (vocabulary - 1)).view(case["batch"], length)
    ids = rows_of(case["length"])
    if "targetLength" in case:
        labels = rows_of(case["targetLength"])
    elif "num_labels" in case["config"]:
        labels = torch.arange(case["batch"]) % 2
    else:
        labels = ids
    tokens = case["batch"] * (case["length"] + case.get("targetLength", 0))
    run = torch.compile(model) if "compile" in variant else model
    autocast = torch.autocast("cpu", torch.bfloat16, enabled="autocast" in variant)

    def step():
        begin = time.perf_counter()
        with autocast:
            loss = run(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - begin, loss.item()

    for _ in range(o.warmup):
        step()
    rows = [step() for _ in range(o.steps)]
    seconds = [row[0] for row in rows]
    median = statistics.median(seconds)
    print(
        json.dumps(
            dict(
                engine="pytorch",
                case=o.case,
                variant=o.variant,
                threads=o.threads,
                tokens=tokens,
                steps=o.steps,
                stepSeconds=round(median, 4),
                bestStepSeconds=round(min(seconds), 4),
                tokensPerSecond=round(tokens / median, 1),
                peakRssMib=peak_rss_mib(),
                parameters=sum(p.numel() for p in model.parameters()),
                trainable=sum(p.numel() for p in trained),
                loss=round(rows[-1][1], 4),
                cpu=cpu_name(),
                versions=dict(
                    python=platform.python_version(),
                    torch=torch.__version__,
                    transformers=transformers.__version__,
                    peft=peft.__version__,
                ),
            )
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(options())
