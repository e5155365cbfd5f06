"""What was measured on the test images: the main figures, per class, and what was taken for what."""

from __future__ import annotations

from typing import Any

from nastk.report.escaping import escaped
from nastk.report.page.elements import Html, facts, figure, folded, table
from nastk.report.page.story import figure as number

MAX_SIDE = 40  # classes of which the matrix is drawn
MAX_NUMBERS = 12  # classes up to which it has the counts written into it
NUM_CONFUSED = 10  # pairs of classes that are named
CELL, LABEL = 30, 96  # px of a square of the matrix; of the names beside it
CHARACTERS = 12  # of a name beside the matrix


def on_test_images(test: dict[str, Any]) -> list[Html]:
    """test: the content of test.json (engine.outcome says what is in it)."""
    matrix, classes = test["confusion"], [row["name"] for row in test["classes"]]
    figures = {
        "images": test["images"],
        "accuracy, %": test["accuracy"],
        "balanced accuracy, %": test["balanced_accuracy"],
        "top-5, %": test["top_5"],
        "calibration error, %": test["calibration"]["error"],
    }
    parts = [facts({name: number(value) for name, value in figures.items() if value is not None})]
    if len(matrix) <= MAX_SIDE:
        legend = "A row is the true class, a column what the network said; the stronger a square, the more of the row."
        parts.append(figure("Confusion matrix", _picture(matrix, classes), legend))
    parts += _most_confused(matrix, classes)
    heads = ("class", "images", "recall, %", "precision, %")
    rows = [
        (row["name"], *(number(row[key]) for key in ("images", "recall", "precision")))
        for row in test["classes"]
    ]
    return [*parts, folded("Per class", table(heads, rows, numbers=(1, 2, 3)))]


def _picture(matrix: list[list[int]], classes: list[str]) -> str:
    side = CELL * len(matrix)
    size = LABEL + side + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="matrix" viewBox="0 0 {size} {size}" role="img">',
        "<title>confusion matrix</title>",
    ]
    for place, (name, row) in enumerate(zip(classes, matrix, strict=True)):
        label = escaped(name if len(name) <= CHARACTERS else name[: CHARACTERS - 1] + "\u2026")
        middle = LABEL + place * CELL + CELL / 2
        parts.append(
            f'<text x="{LABEL - 6}" y="{middle + 4:g}" text-anchor="end">{label}</text>'
            f'<text x="{middle + 4:g}" y="{LABEL - 6}" '
            f'transform="rotate(-90 {middle + 4:g} {LABEL - 6})">{label}</text>'
        )
        total = sum(row)
        for column, count in enumerate(row):
            if not count:
                continue
            x, y = LABEL + column * CELL, LABEL + place * CELL
            title = escaped(f"{name} taken for {classes[column]}: {count} of {total}")
            parts.append(
                f'<rect class="count" x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" rx="3" '
                f'fill-opacity="{0.06 + 0.44 * count / total:.3f}"><title>{title}</title></rect>'
            )
            if len(matrix) <= MAX_NUMBERS:
                parts.append(
                    f'<text x="{x + CELL / 2:g}" y="{y + CELL / 2 + 4:g}" text-anchor="middle">{count}</text>'
                )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _most_confused(matrix: list[list[int]], classes: list[str]) -> list[Html]:
    pairs = sorted(
        (-count, true, said)
        for true, row in enumerate(matrix)
        for said, count in enumerate(row)
        if true != said and count
    )
    rows = [
        (classes[true], classes[said], str(-count), f"{-100 * count / sum(matrix[true]):.1f}")
        for count, true, said in pairs[:NUM_CONFUSED]
    ]
    heads = ("true", "taken for", "images", "% of the class")
    return [table(heads, rows, numbers=(2, 3), caption="Most often confused")] if rows else []
