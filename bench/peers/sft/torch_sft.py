"""Trains GPT-2 124M on out/rows.json for an epoch, as a user does with transformers' Trainer or TRL's SFTTrainer.

    python bench/peers/sft/torch_sft.py --variant hf-pad [--threads 2]

hf-pad: Trainer, padded to the longest row of a batch; hf-group: the same, batches of like lengths; trl-fp32: SFTTrainer in float32 without
recomputation; trl-defaults: SFTTrainer as it comes (bfloat16 autocast, recomputation). Prints one JSON line, the same fields as attune-sft.mjs.
"""
import argparse
import json
import logging
import os
import pathlib
import platform
import resource
import tempfile
import time
import warnings

HERE = pathlib.Path(__file__).parent
SETTINGS = json.loads((HERE / "settings.json").read_text())
VARIANTS = ["hf-pad", "hf-group", "trl-fp32", "trl-defaults"]


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variant", choices=VARIANTS, required=True)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def peak_rss_mib():
    scale = 1 if platform.system() == "Darwin" else 1024  # bytes there, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20)


def main(o):
    # Read by libraries as they load, so set before torch is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(o.threads)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import datasets
    import tokenizers
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    torch.set_num_threads(o.threads)
    rows = json.loads((HERE / "out" / "rows.json").read_text())
    model = transformers.AutoModelForCausalLM.from_pretrained(HERE / "out" / "initial", dtype=torch.float32)
    # The rows are ids already: the collators only ask for the padding token.
    words = tokenizers.models.WordLevel({f"t{i}": i for i in range(model.config.vocab_size)}, unk_token="t1")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(words), pad_token="t0", eos_token="t2", unk_token="t1"
    )
    common = dict(
        per_device_train_batch_size=SETTINGS["batchSize"],
        num_train_epochs=1,
        learning_rate=SETTINGS["learningRate"],
        seed=SETTINGS["seed"],
        logging_steps=1000,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    seen = [0]
    begun = []

    class Clock(transformers.TrainerCallback):
        def on_train_begin(self, *_, **__):
            begun.append(time.perf_counter())

    def counted(collator):
        def collate(features):
            batch = collator(features)
            seen[0] += batch["input_ids"].numel()
            return batch

        return collate

    with tempfile.TemporaryDirectory() as folder:
        if o.variant.startswith("hf"):
            data = datasets.Dataset.from_list(
                [
                    dict(input_ids=r["inputIds"], labels=r["labels"], attention_mask=[1] * len(r["inputIds"]), length=len(r["inputIds"]))
                    for r in rows["train"]
                ]
            )
            grouped = dict(train_sampling_strategy="group_by_length") if o.variant == "hf-group" else {}
            arguments = transformers.TrainingArguments(output_dir=folder, remove_unused_columns=False, **common, **grouped)
            pad = transformers.DataCollatorForSeq2Seq(tokenizer)
            names = ("input_ids", "attention_mask", "labels")
            collator = counted(lambda features: pad([{name: f[name] for name in names} for f in features]))
            trainer = transformers.Trainer(
                model=model, args=arguments, train_dataset=data, data_collator=collator, callbacks=[Clock()]
            )
        else:
            import trl

            data = datasets.Dataset.from_list(
                [
                    dict(input_ids=r["inputIds"], completion_mask=[int(label != -100) for label in r["labels"]])
                    for r in rows["train"]
                ]
            )
            plain = {} if o.variant == "trl-defaults" else dict(bf16=False, gradient_checkpointing=False)
            arguments = trl.SFTConfig(output_dir=folder, completion_only_loss=True, **common, **plain)
            trainer = trl.SFTTrainer(
                model=model, args=arguments, train_dataset=data, processing_class=tokenizer, callbacks=[Clock()]
            )
            trainer.data_collator = counted(trainer.data_collator)
        trainer.train()
        seconds = time.perf_counter() - begun[0]
    peak = peak_rss_mib()
    model.eval()
    loss, count = 0.0, 0
    with torch.no_grad():
        for row in rows["test"]:
            labels = torch.tensor([row["labels"]])
            number = int((labels[:, 1:] != -100).sum())
            loss += float(model(input_ids=torch.tensor([row["inputIds"]]), labels=labels).loss) * number
            count += number
    tokens = sum(len(r["inputIds"]) for r in rows["train"])
    labelled = sum(sum(label != -100 for label in r["labels"]) for r in rows["train"])
    result = dict(
        engine="pytorch",
        variant=o.variant,
        steps=trainer.state.global_step,
        tokens=tokens,
        labelled=labelled,
        paddingShare=round(1 - tokens / seen[0], 3),
        seconds=round(seconds, 3),
        realTokensPerSecond=round(tokens / seconds, 3),
        peakRssMib=peak,
        heldOutLoss=round(loss / count, 3),
    )
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(options())
