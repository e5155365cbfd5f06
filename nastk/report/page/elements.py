"""What the page is made of, as HTML: every text is escaped here, and markup goes in only as Html."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from nastk.report.escaping import escaped


class Html(str):
    """Markup, as against text, which is escaped."""

    __slots__ = ()


def markup(content: str) -> Html:
    return content if isinstance(content, Html) else Html(escaped(content))


def tag(name: str, *content: str, **attributes: str) -> Html:
    """An element; `class_` is the attribute class."""
    given = "".join(f' {key.rstrip("_")}="{escaped(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>{''.join(map(markup, content))}</{name}>")


def lines(*content: str) -> Html:
    return Html("\n".join(map(markup, content)))


def figure(title: str, picture: str, legend: str = "") -> Html:
    """A picture (SVG that the page colours) with its title and what its marks mean."""
    return _captioned(title, legend, tag("div", Html(picture), class_="wide"))


def drawing(title: str, picture: str, legend: str = "") -> Html:
    """As `figure`, of a picture that is a file of a run too and brings its own white background.

    title: "" where the picture has it in itself.
    """
    width = re.search(r'width="([0-9.]+)"', picture)
    assert width is not None
    frame = tag("div", Html(picture), class_="wide drawn", style=f"--natural: {width[1]}px")
    return _captioned(title, legend, frame)


def _captioned(title: str, legend: str, content: Html) -> Html:
    words = [tag("b", title)] * bool(title) + [markup(legend)] * bool(legend)
    return tag("figure", *([tag("figcaption", Html(" ".join(words)))] if words else []), content)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = (), caption: str = ""
) -> Html:
    """numbers: the columns that are aligned at the right."""

    def row(kind: str, cells: Sequence[str]) -> Html:
        return tag(
            "tr",
            *(
                tag(kind, cell, class_="n") if place in numbers else tag(kind, cell)
                for place, cell in enumerate(cells)
            ),
        )

    body = lines(*(row("td", cells) for cells in rows))
    return tag(
        "div",
        tag(
            "table",
            *([tag("caption", caption)] if caption else []),
            tag("thead", row("th", heads)),
            tag("tbody", body),
        ),
        class_="wide",
    )


def facts(values: Mapping[str, str]) -> Html:
    """Names with their values, one below another."""
    rows = [
        tag("tr", Html(f'<th scope="row">{markup(name)}</th>'), tag("td", value))
        for name, value in values.items()
        if value
    ]
    return tag("table", tag("tbody", lines(*rows)), class_="facts")


def command(text: str) -> Html:
    return tag("pre", tag("code", text))


def folded(summary: str, *content: str) -> Html:
    return tag("details", tag("summary", summary), *content)


def section(identity: str, title: str, *content: str, level: int = 3) -> Html:
    return Html(
        f'<section id="{escaped(identity)}">\n{tag(f"h{level}", title)}\n{lines(*content)}\n</section>'
    )
