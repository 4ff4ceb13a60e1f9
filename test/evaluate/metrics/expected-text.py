"""Writes expected-text.json: texts and what sacrebleu, rouge-score and NLTK's stemmer give for them.

Needs sacrebleu 2.6.0, rouge-score 0.1.2 and nltk 3.10.4. Run as `python expected-text.py` in this folder.
"""

import json
import random

from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF, TER

random.seed(7)
TOKENIZERS = ("13a", "none", "char", "intl", "zh")
SMOOTHING = (("exp", None), ("floor", None), ("floor", 0.01), ("add-k", None), ("add-k", 0.5), ("none", None))

WRITTEN = [
    "It costs $1,234.50 (about £1.000,5) – 20-30% more, isn't it?",
    "&quot;Fish &amp; chips&quot; &lt;b&gt; it&apos;s <skipped>re-\nheated\nfood",
    "e-mail: first.last@example.org; see https://example.org/a_b?c=d#e",
    "我在2021年买了3.5公斤苹果，“好吃”吗？ OK — yes…",
    "ЗДРАВСТВУЙ, мир! Straße ISTANBUL İstanbul ΣΊΣΥΦΟΣ",
    "naïve café\u00a0au\u2003lait \u200b zero\ufeffwidth \U0001f600\U0001f468\u200d\U0001f469 end.",
    "  leading and trailing \t spaces \x1c\x85 here \n",
    "1.2.3. 4,5, -6 7- (8) [9] {0} a/b c\\d e|f g~h `i` ^j 5-6.7",
    "日本語のテキスト。カタカナ！ 한국어 문장입니다. ไทย",
    "\u2022 bullet \u00d7 \u00f7 \u20ac5 \u00a7 \u2190 \u221a2 \u3000wide",
    ".",
    "",
    "A",
    "!!! ... ??? --",
    "line one\nline two\n\nline one again",
]
WORDS = "the a cat cats sat sitting on mat mats quickly quick, runs running. and 3 dogs barked barking flies".split()


def sentence(length):
    return " ".join(random.choice(WORDS) for _ in range(length))


def changed(text):
    words = text.split(" ")
    for _ in range(random.randrange(4)):
        at = random.randrange(len(words))
        to = random.randrange(len(words))
        kind = random.randrange(3)
        if kind == 0:
            words[at] = random.choice(WORDS)
        elif kind == 1:
            words.insert(to, words.pop(at))
        elif len(words) > 1:
            del words[at]
    return " ".join(words)


def rows():
    result = []
    for text in WRITTEN:
        other = random.choice(WRITTEN)
        result.append((text, [changed(text), other] if random.random() < 0.5 else [changed(text)]))
        result.append((changed(text), [text]))
    for length in (1, 2, 5, 9, 14, 22):
        for _ in range(3):
            text = sentence(length)
            result.append((changed(changed(text)), [text] + [changed(text) for _ in range(random.randrange(3))]))
            result.append((sentence(max(1, length - 2)).upper(), ["\n".join([text, changed(text)])]))
    # Many words of few kinds: shifts, and TER's limits on them.
    for length in (20, 40, 90):
        left = [random.choice("abcdefgh") for _ in range(length)]
        right = left[length // 3 :] + left[: length // 3]
        result.append((" ".join(left), [" ".join(right)]))
        random.shuffle(right)
        result.append((" ".join(left), [" ".join(right[: length // 2])]))
    return result


def expected_row(hypothesis, references):
    bleu = BLEU(effective_order=True).sentence_score(hypothesis, references)
    scorer = {
        stem: RougeScorer(["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"], use_stemmer=stem)
        for stem in (False, True)
    }
    return {
        "hypothesis": hypothesis,
        "references": references,
        "bleu": bleu.score,
        "precisions": bleu.precisions,
        "tokens": {name: BLEU(tokenize=name)._preprocess_segment(hypothesis).split() for name in TOKENIZERS},
        "chrf": CHRF().sentence_score(hypothesis, references).score,
        "chrf++": CHRF(word_order=2).sentence_score(hypothesis, references).score,
        "ter": TER().sentence_score(hypothesis, references).score,
        "rouge": {
            str(stem).lower(): {
                name: [score.precision, score.recall, score.fmeasure]
                for name, score in one.score_multi(references, hypothesis).items()
            }
            for stem, one in scorer.items()
        },
    }


def corpus(all_rows):
    hypotheses = [hypothesis for hypothesis, _ in all_rows]
    most = max(len(references) for _, references in all_rows)
    references = [[row[i] if i < len(row) else None for _, row in all_rows] for i in range(most)]
    result = {"bleu": []}
    for tokenize in TOKENIZERS:
        for smooth, value in SMOOTHING:
            for lowercase in (False, True):
                metric = BLEU(tokenize=tokenize, smooth_method=smooth, smooth_value=value, lowercase=lowercase)
                score = metric.corpus_score(hypotheses, references)
                options = {"tokenize": tokenize, "smooth": smooth, "lowercase": lowercase}
                if value is not None:
                    options["smoothValue"] = value
                result["bleu"].append(
                    {"options": options, "bleu": score.score, "signature": str(metric.get_signature())}
                )
    result["chrf"] = [
        {"options": options, "chrf": CHRF(**python).corpus_score(hypotheses, references).score}
        for options, python in (
            ({}, {}),
            ({"wordOrder": 2}, {"word_order": 2}),
            ({"beta": 3, "charOrder": 4}, {"beta": 3, "char_order": 4}),
            ({"lowercase": True, "whitespace": True}, {"lowercase": True, "whitespace": True}),
        )
    ]
    result["ter"] = [
        {"options": {"caseSensitive": case}, "ter": TER(case_sensitive=case).corpus_score(hypotheses, references).score}
        for case in (False, True)
    ]
    return result


def stems():
    bodies = "fl geolog happ enjo relat condit rat valenc digit conform radic analog oper feud hop form sens trip" \
        " electr good reviv allow infer airlin gyroscop adjust defens irrit replac depend adopt commun activ angul" \
        " effect bowdler prob ceas control roll s agr plaster motor siz fall hiss fizz fil spy di li tr bl yy syzyg".split()
    endings = "es ies ied y ying ed ing ational tional enci izer ably ally alli entli ously ization ator alism iveness" \
        " fulness fully aliti iviti biliti ative alize icate ical ful ness al ance ence er ic able ible ant ement ment" \
        " ent ion sion ou ism ate iti ous ive ize e ll eed eyed oy ay ogy logi ss s".split()
    special = "skies sky dying lying tying news innings outings canning howe proceed exceed succeed died dies tied flies" \
        " feed agreed 1234s abc1ing oed aing eing yed eat trees by hopping hoping was owed using".split()
    stemmer = PorterStemmer()
    drawn = random.sample([body + ending for body in bodies for ending in endings], 600)
    return {word: stemmer.stem(word) for word in special + drawn}


all_rows = rows()
expected = {
    "rows": [expected_row(*row) for row in all_rows],
    "corpus": corpus(all_rows),
    "stems": stems(),
}
with open("expected-text.json", "w", encoding="utf-8") as file:
    json.dump(expected, file, allow_nan=False)
    file.write("\n")
