"""GFLOP/s of matrix products at the shapes of shapes.json in PyTorch (--engine torch) or numpy's OpenBLAS (--engine openblas).

    python bench/peers/products/torch_products.py --engine torch --dtype f32 --threads 2

Prints one JSON line, the same fields as attune-products.mjs. A product has many copies of its operands and results, in turns, which no
cache holds: in a training step none is where it was left.
"""
import argparse
import json
import os
import statistics
import time

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--engine", choices=["torch", "openblas"], default="torch")
parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=0.3, help="for each product")
o = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(o.threads)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "shapes.json")) as file:
    SHAPES = json.load(file)

# Where the inputs of a product M x K x N lie; the transposed ones are views, as in a training step.
KINDS = {"NT": (False, True), "NN": (False, False), "TN": (True, False)}


def prepared(m, k, n, kind):
    left, right = KINDS[kind]
    if o.engine == "openblas":
        import numpy

        random = numpy.random.default_rng(0)
        a = random.random((k, m) if left else (m, k), dtype=numpy.float32)
        b = random.random((n, k) if right else (k, n), dtype=numpy.float32)
        out = numpy.empty((m, n), dtype=numpy.float32)
        a, b = a.T if left else a, b.T if right else b
        return lambda: numpy.matmul(a, b, out=out)
    import torch

    torch.set_num_threads(o.threads)
    dtype = torch.float32 if o.dtype == "f32" else torch.bfloat16
    a = torch.rand((k, m) if left else (m, k), dtype=dtype)
    b = torch.rand((n, k) if right else (k, n), dtype=dtype)
    out = torch.empty((m, n), dtype=dtype)
    a, b = a.T if left else a, b.T if right else b
    return lambda: torch.mm(a, b, out=out)


def copies_of(m, k, n):
    """128 MiB in all, as in attune-products.mjs."""
    size = 4 if o.dtype == "f32" else 2
    return max(1, -(-(2**27) // ((m * k + k * n + m * n) * size)))


def measure(m, k, n, kind):
    products = [prepared(m, k, n, kind) for _ in range(copies_of(m, k, n))]

    def run():
        for product in products:
            product()

    run()
    seconds = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < o.seconds or len(seconds) < 3:
        start = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - start) / len(products))
    return dict(kind=kind, m=m, k=k, n=n, gflops=round(2 * m * k * n / statistics.median(seconds) / 1e9, 1))


if o.engine == "openblas" and o.dtype != "f32":
    parser.error("--dtype: numpy multiplies float32 alone")
print(json.dumps(dict(engine=o.engine, products=[measure(*shape, kind) for shape in SHAPES for kind in KINDS])))
