"""A GGUF file with random weights in the shape of the Qwen2 model of ../cases.json: llama.cpp reads it.

python write_gguf.py --type f32|bf16|q8_0 --output model.gguf
"""

import argparse
import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
from gguf.quants import quantize

HERE = Path(__file__).parent
TYPES = {
    "f32": (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    "bf16": (GGMLQuantizationType.BF16, LlamaFileType.MOSTLY_BF16),
    "q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", default="qwen-lora")
    parser.add_argument("--type", choices=TYPES, required=True)
    parser.add_argument("--output", required=True)
    args = parser.parse_args()
    config = json.loads((HERE / "../cases.json").read_text())[args.case]["config"]
    kind, file_type = TYPES[args.type]
    random = np.random.default_rng(0)
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    keys = hidden // heads * config["num_key_value_heads"]

    writer = GGUFWriter(args.output, "qwen2")
    writer.add_file_type(file_type)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(4096)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta", 1000000.0))
    writer.add_vocab_size(config["vocab_size"])
    # The binding asks for a tokenizer; ids alone go in and out.
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([f"t{i}" for i in range(config["vocab_size"])])
    writer.add_token_types([1] * config["vocab_size"])
    writer.add_token_merges(["t 1"])
    writer.add_eos_token_id(0)

    def matrix(name, rows, columns):
        values = random.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.02)
        writer.add_tensor(f"{name}.weight", quantize(values, kind), raw_dtype=kind)

    def vector(name, size, value):
        writer.add_tensor(name, np.full(size, value, dtype=np.float32))

    matrix("token_embd", config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        block = f"blk.{layer}"
        for name, rows, columns in (
            ("attn_q", hidden, hidden),
            ("attn_k", keys, hidden),
            ("attn_v", keys, hidden),
            ("attn_output", hidden, hidden),
            ("ffn_gate", inner, hidden),
            ("ffn_up", inner, hidden),
            ("ffn_down", hidden, inner),
        ):
            matrix(f"{block}.{name}", rows, columns)
        for name, size in (("attn_q", hidden), ("attn_k", keys), ("attn_v", keys)):
            vector(f"{block}.{name}.bias", size, 0.0)
        vector(f"{block}.attn_norm.weight", hidden, 1.0)
        vector(f"{block}.ffn_norm.weight", hidden, 1.0)
    vector("output_norm.weight", hidden, 1.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
