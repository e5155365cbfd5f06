"""The result of a run as a person reads it: what the commands print, and what result.txt keeps."""

from __future__ import annotations

import math
from typing import Any

from nastk.genotype import Genotype
from nastk.report.drawings import describe
from nastk.wording import counted

RESULT = "result.txt"


def search_result(genotype: Genotype, summary: dict[str, Any]) -> str:
    """The cell, what it was chosen by, and what the method remarks. summary: the content of summary.json."""
    score, value = summary["score"], summary["score"]["value"]
    accuracy = score["accuracy"]
    known = score["name"] == "cross_entropy"
    beside = f" (accuracy {math.nan if accuracy is None else accuracy:.2f} %)" if known else ""
    lines = [
        describe(genotype),
        f"{score['split']} {score['name']} {math.nan if value is None else value:.4f}{beside}, "
        f"{summary['wall_s']:.0f} s",
        *summary["remarks"],
    ]
    return "\n".join(lines) + "\n"


def training_result(test: dict[str, Any], summary: dict[str, Any]) -> str:
    """How good the network of an evaluation or a transfer is, and its size. test: the content of test.json."""
    top = "" if test["top_5"] is None else f"top-5 {test['top_5']:.2f} %, "
    return (
        f"test accuracy {summary['test_accuracy']:.2f} % (last of {counted(summary['steps'], 'epoch')}), "
        f"{counted(summary['params'], 'parameter')}, {counted(summary['macs'], 'MAC')}\n"
        f"balanced accuracy {test['balanced_accuracy']:.2f} %, {top}"
        f"calibration error {test['calibration']['error']:.1f} %\n"
    )
