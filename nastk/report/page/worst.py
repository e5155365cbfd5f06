"""The test images that a network was surest and wrong about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nastk.report.escaping import escaped
from nastk.report.page.elements import Html, tag
from nastk.report.page.story import figure as number


def worst_images(rows: Sequence[dict[str, Any]]) -> Html:
    """rows: the content of worst.json, one or more."""
    pictures = []
    for row in rows:
        said = f"{row['class']}, taken for {row['predicted']} ({number(row['confidence'])} %)"
        picture = Html(f'<img alt="{escaped(said)}" src="data:image/png;base64,{escaped(row["png"])}">')
        pictures.append(tag("figure", picture, tag("figcaption", said)))
    return tag("div", *pictures, class_="worst")
