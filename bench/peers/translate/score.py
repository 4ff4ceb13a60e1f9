"""BLEU and chrF, by sacrebleu, of out/attune.txt and out/pytorch.txt; needs `pip install sacrebleu`.

    python bench/peers/translate/score.py

A source may have several right translations; all of them are references. A copy of the Swedish source is the baseline.
"""
import json
import pathlib

import sacrebleu
import tokenizers

OUT = pathlib.Path(__file__).parent / "out"
rows = [json.loads(line) for line in (OUT / "test.jsonl").read_text().splitlines()]
most = max(len(row["references"]) for row in rows)
references = [[(row["references"] + [None] * most)[i] for row in rows] for i in range(most)]
tokenizer = tokenizers.Tokenizer.from_file(str(OUT / "initial" / "tokenizer.json"))
candidates = {"the source, untranslated": [tokenizer.decode(row["source"]).strip() for row in rows]}
for name in ("attune", "pytorch"):
    file = OUT / f"{name}.txt"
    if file.exists():
        candidates[name] = file.read_text().split("\n")[:-1]
bleu, chrf = sacrebleu.BLEU(), sacrebleu.CHRF()
for name, lines in candidates.items():
    assert len(lines) == len(rows), f"{name}: {len(lines)} translations of {len(rows)} sources"
    exact = sum(line in row["references"] for line, row in zip(lines, rows)) / len(rows)
    scores = dict(bleu=bleu.corpus_score(lines, references), chrf=chrf.corpus_score(lines, references))
    print(json.dumps(dict(name=name, **{k: round(v.score, 2) for k, v in scores.items()}, exact=round(100 * exact, 1))))
print(bleu.get_signature())
