"""One run on the page: what came of it, what it was, how to run it again, and all its pictures."""

from __future__ import annotations

from nastk.report.page.confusion import on_test_images
from nastk.report.page.curves import own_curves
from nastk.report.page.elements import Html, command, drawing, facts, folded, lines, section, table, tag
from nastk.report.page.story import Story, conclusion, duration, figure
from nastk.report.page.worst import worst_images
from nastk.wording import counted

MAX_CANDIDATES = 20  # of a ranking that are shown
MAX_TEXT = 90  # characters of an architecture that a table has in full
COSTS = {"params": "parameters", "macs": "MACs", "latency_ms": "ms"}
LEGENDS = {
    "stages": "A row is an edge, a column an operation. The darker a square, the stronger the operation on that edge; "
    "the strongest one has a dark outline. Where there is no square, the search had left the operation out.",
    "tree": "From left to right the space is split: a box says which operations are kept of the edge that was split, "
    "then how it was split further or, at a leaf, the score that was found there. The chosen leaf has a blue outline.",
    "cell": "Left the inputs, which previous cells have put out; right the output. Every edge carries its "
    "operation; what leads nowhere is faint.",
    "front": "Each mark is a network of the ranking. On the front nobody is better in both the score and the cost.",
}


def concluded(story: Story) -> Html:
    """What came of it, for who reads no further."""
    first, *others = conclusion(story)
    content = [tag("p", first), *(tag("p", text) for text in others)]
    if story.goes_on:
        content += [tag("p", "To continue:", class_="warn"), command(story.goes_on)]
    return tag("div", *content, class_="conclusion")


def told(story: Story, identity: str) -> Html:
    """All else that is known of it; identity: what the ids of its sections begin with."""
    parts = [section(f"{identity}-what", "What was run", *_what(story))]
    curves = own_curves(story)
    if curves:
        parts.append(section(f"{identity}-curves", "Curves", *curves))
    if story.test is not None:
        parts.append(section(f"{identity}-test", "On the test images", *on_test_images(story.test)))
    if story.worst:
        parts.append(section(f"{identity}-worst", "Surest and wrong", worst_images(story.worst)))
    if story.cells:
        cells = [drawing("", picture) for picture in story.cells]
        parts.append(section(f"{identity}-cells", "Cells", tag("p", LEGENDS["cell"]), *cells))
    if story.candidates:
        parts.append(section(f"{identity}-ranking", "Ranking", *_ranking(story)))
    for name, picture in story.course.items():
        title = {"tree": "Split tree", "stages": "Stages"}.get(name, name)
        parts.append(section(f"{identity}-{name}", title, drawing("", picture, LEGENDS.get(name, ""))))
    return lines(*parts)


def _what(story: Story) -> list[Html]:
    config, summary = story.config, story.summary or {}
    subject = {"search": "method", "evaluate": "cell", "transfer": "cell"}[config.command]
    task = {"task": config.name} if config.command == "transfer" else {}
    space = {"space": config.space.name} if config.space is not None else {}
    versions = summary.get("versions", {})
    values = {
        "command": f"nastk {config.command}",
        subject: story.about,
        **task,
        **space,
        "data set": str(config.data.dataset),
        "preset": config.preset,
        "seed": str(config.run.seed),
        "state": story.state,
        "time": "" if story.time_s is None else duration(story.time_s),
        "device": str(summary.get("device", config.engine.device)),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "directory": story.path,
    }
    return [
        facts(values),
        tag("p", "To run it again:"),
        command(story.again),
        folded("The whole configuration (config.yaml)", tag("pre", story.config_text)),
    ]


def _ranking(story: Story) -> list[Html]:
    parts = []
    if story.front:
        parts.append(drawing("Scores and what they cost", story.front, LEGENDS["front"]))
    shown = story.candidates[:MAX_CANDIDATES]
    costs = [name for name in COSTS if any(name in candidate.cost for candidate in shown)]
    with_accuracy = any(candidate.score.get("accuracy") is not None for candidate in shown)
    rows = []
    for place, candidate in enumerate(shown, start=1):
        marks = ["chosen"] * candidate.chosen + ["front"] * candidate.on_front
        figures = [figure(candidate.score["value"])]
        if with_accuracy:
            figures.append(figure(candidate.score.get("accuracy")))
        figures += [figure(candidate.cost.get(name)) for name in costs]
        text = candidate.text
        shown_text = text if len(text) <= MAX_TEXT else folded("cells", command(text))
        rows.append((str(place), *figures, ", ".join(marks), shown_text))
    score = shown[0].score
    heads = [
        "",
        f"{score['split']} {score['metric'].replace('_', ' ')}",
        *(["accuracy, %"] if with_accuracy else []),
        *(COSTS[name] for name in costs),
        "",
        "architecture",
    ]
    all_of = counted(len(story.candidates), "architecture")
    caption = f"The best {len(shown)} of {all_of}" if len(shown) < len(story.candidates) else all_of
    return [*parts, table(heads, rows, numbers=range(len(heads) - 2), caption=caption)]
