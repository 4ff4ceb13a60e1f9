"""Times of PyTorch's scaled_dot_product_attention, forward and backward.

    python bench/peers/torch_attention.py --device cuda --shapes '[{"rows": 8, "length": 2048, "heads": 16, "headDim": 128, "causal": true}]'

Prints one JSON line: `shapes`, for each `forward` and `backward`, seconds of a run in each round, or `missing`, what it died of. Queries, keys
and values lie as a projection leaves them, (rows, length, heads, headDim). The kernel is the one that PyTorch chooses.
"""
import argparse
import json
import math
import time


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes", type=json.loads, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.02, help="about so long a round")
    return parser.parse_args()


def seconds_of(run, times, device):
    """Of one of so many runs in a row. Events stand in the stream, so what the host does beside is not in it."""
    import torch

    if device == "cpu":
        begin = time.perf_counter()
        for _ in range(times):
            run()
        return (time.perf_counter() - begin) / times
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(times):
        run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1000 / times


def rounds_of(run, o):
    for _ in range(3):
        run()
    once = seconds_of(run, 1, o.device)
    times = min(512, max(1, math.ceil(o.seconds / max(once, 1e-6))))
    return [seconds_of(run, times, o.device) for _ in range(o.rounds)]


def measure(shape, o):
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    def tensor():
        lying = (shape["rows"], shape["length"], shape["heads"], shape["headDim"])
        return torch.randn(lying, device=o.device, dtype=getattr(torch, o.dtype)).transpose(1, 2)

    q, k, v = (tensor().requires_grad_() for _ in range(3))
    arriving = tensor()

    def forward():
        return scaled_dot_product_attention(q, k, v, is_causal=shape["causal"])

    out = forward()

    def backward():
        torch.autograd.grad(out, (q, k, v), arriving, retain_graph=True)

    return dict(forward=rounds_of(forward, o), backward=rounds_of(backward, o))


def measured_or_missing(shape, o):
    import torch

    try:
        return measure(shape, o)
    except torch.OutOfMemoryError as error:
        return dict(missing=f"{type(error).__name__}: {error}")


def main(o):
    import torch

    torch.manual_seed(0)
    print(json.dumps(dict(torch=torch.__version__, shapes=[measured_or_missing(shape, o) for shape in o.shapes])))


if __name__ == "__main__":
    main(options())
