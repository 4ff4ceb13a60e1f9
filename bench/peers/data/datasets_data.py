"""Reads, templates, tokenizes and packs conversations with Hugging Face datasets, tokenizers and transformers. Prints a JSON line.

As TRL prepares conversations for a loss on what the assistant says: the template with the mask of its generation blocks, then packing by best fit. `--mode row` is
TRL's own way (a row at a time), `--mode batched` gives rows to the template and the tokenizer a thousand at a time, which is faster. Two processes either way.
"""
import argparse
import json
import os
import resource
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--file", required=True)
parser.add_argument("--tokenizer", required=True)
parser.add_argument("--length", type=int, default=1024)
parser.add_argument("--processes", type=int, default=2)
parser.add_argument("--mode", choices=["row", "batched"], default="batched")
arguments = parser.parse_args()
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_DATASETS_CACHE"] = tempfile.mkdtemp()
if arguments.processes > 1:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"

start = time.perf_counter()
import datasets  # noqa: E402
import tokenizers  # noqa: E402
import transformers  # noqa: E402

datasets.disable_progress_bars()
imported = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF)


def encode(batch):
    encoded = tokenizer.apply_chat_template(
        batch["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=True, truncation=True, max_length=arguments.length
    )
    return {"input_ids": encoded["input_ids"], "assistant_masks": encoded["assistant_masks"]}


def pack(table, capacity):
    """Best fit decreasing, as TRL's: bins by the room that is left, in a segment tree's place a sorted list of rooms."""
    from bisect import bisect_left, insort

    lengths = sorted(((length, index) for index, length in enumerate(table)), reverse=True)
    rooms, bins = [], []
    for length, index in lengths:
        at = bisect_left(rooms, (length, -1))
        if at == len(rooms):
            bins.append([index])
            insort(rooms, (capacity - length, len(bins) - 1))
        else:
            room, place = rooms.pop(at)
            bins[place].append(index)
            insort(rooms, (room - length, place))
    return bins


tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.tokenizer)
data = datasets.load_dataset("json", data_files=arguments.file, split="train")
read = time.perf_counter()
rows = data.map(
    encode,
    batched=arguments.mode == "batched",
    num_proc=arguments.processes if arguments.processes > 1 else None,
    remove_columns=data.column_names,
)
encoded = time.perf_counter()
lengths = rows.with_format("arrow")[:]["input_ids"].combine_chunks().value_lengths().to_pylist()
bins = pack(lengths, arguments.length)
end = time.perf_counter()
own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
labelled = 0
for batch in rows.with_format("numpy").iter(batch_size=1000):
    labelled += int(sum(mask.sum() for mask in batch["assistant_masks"]))
print(
    json.dumps(
        {
            "contender": f"datasets {datasets.__version__}, tokenizers {tokenizers.__version__}, transformers {transformers.__version__} ({arguments.mode}, {arguments.processes} processes)",
            "rows": len(rows),
            "tokens": sum(lengths),
            "targets": labelled,
            "bins": len(bins),
            # The libraries' import, some seconds, is left out: a training script imports them anyway.
            "seconds": end - imported,
            "processorSeconds": own.ru_utime + own.ru_stime - before.ru_utime - before.ru_stime + children.ru_utime + children.ru_stime,
            "peakMib": round(own.ru_maxrss / 1024 + arguments.processes * children.ru_maxrss / 1024),
            "marks": {"import": round(imported - start, 2), "read": round(read - imported, 2), "encode": round(encoded - read, 2), "pack": round(end - encoded, 2)},
        }
    )
)
