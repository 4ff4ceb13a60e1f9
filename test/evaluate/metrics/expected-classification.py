"""Writes expected-classification.json: inputs and what scikit-learn, scipy and seqeval give for them.

Needs scikit-learn 1.9.1, scipy 1.17.1 and seqeval 1.2.2. Run as `python expected-classification.py` in this folder.
"""

import json
import math
import random
import warnings

import numpy
import scipy.stats
from seqeval.metrics import sequence_labeling
from sklearn import metrics

warnings.simplefilter("ignore")
random.seed(4)


def finite(value):
    return None if math.isnan(value) else float(value)



def ranking():
    labels = [random.randrange(2) for _ in range(31)]
    tied = [round(random.random(), 1) for _ in labels]
    precision, recall, thresholds = metrics.precision_recall_curve(labels, tied)
    f1 = 2 * precision * recall / (precision + recall)
    return {
        "labels": labels,
        "scores": tied,
        "roc_auc": metrics.roc_auc_score(labels, tied),
        "average_precision": metrics.average_precision_score(labels, tied),
        "brier": metrics.brier_score_loss(labels, tied),
        "best_f1": float(numpy.nanmax(f1)),
        "constant": {
            "roc_auc": metrics.roc_auc_score(labels, [0.5] * 31),
            "average_precision": metrics.average_precision_score(labels, [0.5] * 31),
        },
    }


def multiclass():
    labels = [random.randrange(4) for _ in range(37)]
    raw = [[random.randrange(1, 6) for _ in range(4)] for _ in labels]
    normal = [[x / sum(row) for x in row] for row in raw]
    return {
        "labels": labels,
        "raw_scores": raw,
        "log_loss": metrics.log_loss(labels, normal),
        "brier": metrics.brier_score_loss(labels, normal),
        "ovr_macro": metrics.roc_auc_score(labels, normal, multi_class="ovr"),
        "ovr_weighted": metrics.roc_auc_score(labels, normal, multi_class="ovr", average="weighted"),
        "ovo_macro": metrics.roc_auc_score(labels, normal, multi_class="ovo"),
        "ovo_weighted": metrics.roc_auc_score(labels, normal, multi_class="ovo", average="weighted"),
        "top_k": [metrics.top_k_accuracy_score(labels, raw, k=k) for k in (1, 2, 3)],
    }


def multi_label():
    labels = [[int(random.random() < p) for p in (0.5, 0.3, 0.0, 0.2, 0.0)] for _ in range(11)]
    predictions = [[int(random.random() < p) for p in (0.5, 0.3, 0.3, 0.2, 0.0)] for _ in range(11)]
    result = {"labels": labels, "predictions": predictions}
    for name, division in (("0", 0), ("1", 1), ("nan", math.nan)):
        for average in ("micro", "macro", "weighted", "samples"):
            values = metrics.precision_recall_fscore_support(
                labels, predictions, average=average, zero_division=division
            )
            result[f"{average}, zero division {name}"] = [finite(x) for x in values[:3]]
    empty = [[0, 0], [0, 0]]
    some = [[1, 0], [0, 0]]
    for division in (0, 1):
        values = metrics.precision_recall_fscore_support(empty, some, average="weighted", zero_division=division)
        result[f"nothing there, weighted, zero division {division}"] = [float(x) for x in values[:3]]
    return result


def f_beta():
    labels = [random.randrange(3) for _ in range(23)]
    predictions = [random.randrange(3) for _ in range(23)]
    return {
        "labels": labels,
        "predictions": predictions,
        "beta": {
            str(beta): {
                average: metrics.fbeta_score(labels, predictions, beta=beta, average=average)
                for average in ("micro", "macro", "weighted")
            }
            for beta in (0, 0.5, 2)
        },
    }


def regression():
    labels = [round(random.gauss(1e4, 3), 1) for _ in range(29)]
    predictions = [round(x + random.gauss(0, 2)) for x in labels]
    return {
        "labels": labels,
        "predictions": predictions,
        "mse": metrics.mean_squared_error(labels, predictions),
        "mae": metrics.mean_absolute_error(labels, predictions),
        "r2": metrics.r2_score(labels, predictions),
        "pearson": scipy.stats.pearsonr(labels, predictions).statistic,
        "spearman": scipy.stats.spearmanr(labels, predictions).statistic,
    }


def tags(length, prefixes, types):
    return [
        "O" if random.random() < 0.3 else random.choice(prefixes) + random.choice(types) for _ in range(length)
    ]


def entities():
    cases = []
    schemes = {
        "IOB2": ("B-", "I-"),
        "IOB1": ("I-", "I-", "I-", "B-"),
        "IOE2": ("I-", "E-"),
        "IOBES": ("B-", "I-", "E-", "S-"),
    }
    for scheme, prefixes in schemes.items():
        types = ("PER", "LOC", "a-b")
        labels = [tags(random.randrange(1, 16), prefixes, types) for _ in range(6)]
        predictions = [
            [tag if random.random() < 0.7 else random.choice(tags(1, prefixes, types)) for tag in row] for row in labels
        ]
        cases.append((scheme, labels, predictions, False))
    cases.append(("bare tags", [["B", "I", "O", "S", "E", "I"]], [["B", "I", "I", "O", "E", "S"]], False))
    cases.append(("suffixes", [["PER-B", "PER-I", "O", "LOC-B"]], [["PER-B", "PER-I", "LOC-I", "LOC-I"]], True))
    cases.append(("a type only predicted", [["B-X", "O", "O"]], [["B-X", "B-Y", "O"]], False))
    cases.append(("nothing there", [["O", "O", "O"]], [["O", "B-X", "I-X"]], False))
    result = []
    for name, labels, predictions, suffix in cases:
        case = {
            "name": name,
            "suffix": suffix,
            "labels": labels,
            "predictions": predictions,
            "entities": [
                [[kind, int(start), int(end)] for kind, start, end in sequence_labeling.get_entities(row, suffix)]
                for row in labels
            ],
        }
        for division in (0, 1):
            for average in (None, "micro", "macro", "weighted"):
                values = sequence_labeling.precision_recall_fscore_support(
                    labels, predictions, average=average, zero_division=division, suffix=suffix
                )
                key = f"{average or 'per type'}, zero division {division}"
                case[key] = [numpy.asarray(x).tolist() for x in values[: 4 if average is None else 3]]
        case["types"] = sorted(
            {kind for rows in (labels, predictions) for row in rows for kind, _, _ in sequence_labeling.get_entities(row, suffix)}
        )
        result.append(case)
    return result


def mcnemar():
    return [
        {"only_first": first, "only_second": second, "p": scipy.stats.binomtest(first, first + second).pvalue}
        for first, second in ((1, 0), (3, 9), (5, 5), (20, 41), (700, 803))
    ]


expected = {
    "ranking": ranking(),
    "multiclass": multiclass(),
    "multi_label": multi_label(),
    "f_beta": f_beta(),
    "regression": regression(),
    "entities": entities(),
    "mcnemar": mcnemar(),
}
with open("expected-classification.json", "w", encoding="utf-8") as file:
    json.dump(expected, file, allow_nan=False)
    file.write("\n")
