"""The whole page: of one run, or of several with their comparison on top."""

from __future__ import annotations

from collections.abc import Sequence

from nastk.report.page.comparison import compared
from nastk.report.page.elements import Html, lines, section, tag
from nastk.report.page.frame import page
from nastk.report.page.run_section import concluded, told
from nastk.report.page.story import Story


def report_page(stories: Sequence[Story]) -> str:
    """One self-contained file of HTML; the same stories always give the same text."""
    if len(stories) == 1:
        (story,) = stories
        return page(
            f"{story.name}: report", lines(tag("h1", story.name), concluded(story), told(story, "run"))
        )
    sections = [
        section(f"run-{number}", story.name, concluded(story), told(story, f"run-{number}"), level=2)
        for number, story in enumerate(stories, start=1)
    ]
    links = [
        tag("li", tag("a", story.name, href=f"#run-{number}"))
        for number, story in enumerate(stories, start=1)
    ]
    body: list[Html] = [
        tag("h1", f"{len(stories)} runs"),
        *compared(stories),
        tag("nav", tag("ul", *links)),
        *sections,
    ]
    return page(f"{len(stories)} runs: report", lines(*body))
