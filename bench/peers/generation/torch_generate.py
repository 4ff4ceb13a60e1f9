"""Greedy generation of a model of ../cases.json (random weights) in transformers. Prints one JSON line.

python torch_generate.py --case gpt2-full --variant bf16 --batch 4 --threads 2
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
import transformers

HERE = Path(__file__).parent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", default="gpt2-full")
    parser.add_argument("--variant", default="f32", choices=["f32", "bf16"])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()

    cases = json.loads((HERE / "../cases.json").read_text())
    settings = json.loads((HERE / "settings.json").read_text())
    config = cases[args.case]["config"]
    config = cases[config]["config"] if isinstance(config, str) else config
    prompt_tokens, new_tokens = settings["promptTokens"], settings["newTokens"][args.case]
    dtype = torch.bfloat16 if args.variant == "bf16" else torch.float32
    loaded = transformers.AutoConfig.for_model(**config)
    model = transformers.AutoModelForCausalLM.from_config(loaded, dtype=dtype, attn_implementation="eager").eval()
    ids = [
        [1 + ((row * prompt_tokens + i) * 7919) % (config["vocab_size"] - 1) for i in range(prompt_tokens)]
        for row in range(args.batch)
    ]
    inputs = torch.tensor(ids)
    # Nothing ends an answer.
    common = dict(attention_mask=torch.ones_like(inputs), do_sample=False, use_cache=True, pad_token_id=0, eos_token_id=None)

    def seconds(tokens):
        start = time.perf_counter()
        with torch.inference_mode():
            out = model.generate(inputs, max_new_tokens=tokens, min_new_tokens=tokens, **common)
        assert out.shape[1] == prompt_tokens + tokens
        return time.perf_counter() - start

    seconds(2)
    reading, writing = [], []
    for _ in range(args.times):
        reading.append(seconds(1))
        writing.append(seconds(new_tokens) - reading[-1])
    print(
        json.dumps(
            {
                "engine": "transformers",
                "tokensPerSecond": args.batch * (new_tokens - 1) / statistics.median(writing),
                "promptTokensPerSecond": args.batch * prompt_tokens / statistics.median(reading),
                "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
            }
        )
    )


main()
