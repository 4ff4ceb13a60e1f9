"""Optimiser steps of a model of cases.json (random weights, no download) in PyTorch + transformers + PEFT.

    python bench/peers/torch_step.py --case gpt2-full --variant fp32 --threads 2
    python bench/peers/torch_step.py --device cuda --cases bench/cuda/cases.json --case llama-8b-lora --variant autocast+bf16+fused

Prints one JSON line, the fields of attune-step.mjs and, on cuda, `seconds` and `peakDeviceBytes`. VARIANT is a '+'-joined set:
fp32 | autocast (bfloat16), bf16 (what is frozen is held in it), medium (float32 products may round their inputs to bfloat16), fused
(one-kernel AdamW), compile.
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

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")
VARIANTS = {"fp32", "autocast", "bf16", "medium", "fused", "compile"}


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", default=CASES, help="file of the cases")
    parser.add_argument("--case", default="gpt2-full")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch", type=int, help="rows of a step, in place of the case's")
    parser.add_argument("--variant", default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="timed steps")
    parser.add_argument("--warmup", type=int, default=2, help="steps before timing")
    settled = parser.parse_args()
    unknown = set(settled.variant.split("+")) - VARIANTS
    if unknown:
        parser.error(f"--variant: unknown {', '.join(sorted(unknown))}; there are {', '.join(sorted(VARIANTS))}")
    with open(settled.cases) as file:
        cases = json.load(file)
    if settled.case not in cases:
        parser.error(f"--case: unknown {settled.case}; there are {', '.join(cases)}")
    settled.work = dict(cases[settled.case])
    if isinstance(settled.work["config"], str):
        settled.work["config"] = cases[settled.work["config"]]["config"]
    if settled.batch:
        settled.work["batch"] = settled.batch
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


def build(case, variant, device):
    import torch
    import transformers

    config = case["config"]
    settings = {key: value for key, value in config.items() if key not in ("model_type", "architectures")}
    settled = transformers.AutoConfig.for_model(config["model_type"], use_cache=False, **settings)
    # T5's classes choose their attention themselves.
    attention = {} if config["model_type"] == "t5" else {"attn_implementation": "sdpa"}
    kept = "bfloat16" if "bf16" in variant else "float32"
    # Made on the device: large models would take minutes to fill on the processor.
    with torch.device(device):
        model = getattr(transformers, config["architectures"][0])._from_config(settled, dtype=kept, **attention)
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

    case = o.work
    model = build(case, variant, o.device)
    trained = [p for p in model.parameters() if p.requires_grad]
    fused = {"fused": True} if "fused" in variant else {}
    optimizer = torch.optim.AdamW(trained, lr=1e-5, **fused)
    vocabulary = model.config.vocab_size
    # The same ids as attune-step.mjs; every token is labelled, or every row.
    count = lambda size: torch.arange(size, device=o.device)
    rows_of = lambda length: 1 + (count(case["batch"] * length) * 7919 % (vocabulary - 1)).view(case["batch"], length)
    ids = rows_of(case["length"])
    if "targetLength" in case:
        labels = rows_of(case["targetLength"])
    elif "num_labels" in case["config"]:
        labels = count(case["batch"]) % 2
    else:
        labels = ids
    tokens = case["batch"] * (case["length"] + case.get("targetLength", 0))
    run = torch.compile(model) if "compile" in variant else model
    autocast = torch.autocast(o.device, torch.bfloat16, enabled="autocast" in variant)

    # A GPU works on while Python goes on.
    wait = torch.cuda.synchronize if o.device == "cuda" else lambda: None

    def step():
        wait()
        begin = time.perf_counter()
        with autocast:
            loss = run(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        wait()
        return time.perf_counter() - begin, loss.item()

    for _ in range(o.warmup):
        step()
    rows = [step() for _ in range(o.steps)]
    seconds = [row[0] for row in rows]
    median = statistics.median(seconds)
    on_device = dict(seconds=seconds, peakDeviceBytes=torch.cuda.max_memory_reserved()) if o.device == "cuda" else {}
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
                **on_device,
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
