"""The picture of P-DARTS's stages: a square for every operation that a stage's mask allows."""

from dataclasses import asdict
from xml.etree import ElementTree

from chain import CHAIN

from nastk.report.drawings import draw_details
from nastk.report.stages_svg import LABELS, MARGIN, NAMES, SIDE, TITLE, stages_svg
from nastk.spaces.cell import DARTS
from nastk.spaces.derivation import shrink

SVG = "{http://www.w3.org/2000/svg}"


def test_operations_fall_away():
    strengths = [[(op + edge) % 8 / 28 for op in range(8)] for edge in range(14)] * 2
    masks = [DARTS.full_mask()]
    for num in (5, 3):
        masks.append(shrink(masks[-1], strengths, num))
    details = {
        "stages": [{"mask": mask.to_json(), "strengths": strengths} for mask in masks],
        "decisions": [asdict(decision) for decision in DARTS.decisions],
    }
    root = ElementTree.fromstring(draw_details(details)["stages"])
    squares = [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "operation"]
    assert len(squares) == 2 * 14 * (8 + 5 + 3)
    width, height = float(root.get("width")), float(root.get("height"))
    for square in squares:
        assert 0 < float(square.get("x")) < width - 20 and 0 < float(square.get("y")) < height - 20
    places = {(square.get("x"), square.get("y")) for square in squares}
    assert len(places) == len(squares)
    assert (
        sum(square.get("stroke") == "#1f2933" for square in squares) == 3 * 2 * 14
    )  # the strongest, an edge
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("normal") == texts.count("reduce") == texts.count("none") / 2 == 3
    titles = [square.find(f"{SVG}title").text for square in squares]
    assert titles[7] == "dil_conv_5x5 on 0 -> 2: 0.250"


def test_decisions_with_options_of_their_own():
    """A table a group: its columns are all options that one of its decisions has."""
    stages = [
        {"mask": [[0, 1], [0, 1, 3], [2]], "strengths": [[0.4, 0.6], [0.2, 0.5, 0, 0.3], [0, 0, 1]]},
        {"mask": [[1], [0, 3], [2]], "strengths": [[0, 1.0], [0.6, 0, 0, 0.4, 0], [0, 0, 1]]},
    ]
    root = ElementTree.fromstring(stages_svg(stages, [asdict(decision) for decision in CHAIN.decisions]))
    columns = ["conv3", "conv5", "skip", "conv7"]
    headings = [*("layer", *columns, "0", "1"), *("head", "narrow", "middle", "wide", "width")]
    assert [text.text for text in root.iter(f"{SVG}text")] == [
        *("stage 1", *headings),
        *("stage 2", *headings),
    ]
    squares = [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "operation"]
    titles = [square.find(f"{SVG}title").text for square in squares]
    assert titles == [
        *(
            "conv3 on 0: 0.400",
            "conv5 on 0: 0.600",
            "skip on 1: 0.200",
            "conv3 on 1: 0.500",
            "conv7 on 1: 0.300",
        ),
        *("wide on width: 1.000", "conv5 on 0: 1.000", "skip on 1: 0.600", "conv7 on 1: 0.400"),
        "wide on width: 1.000",
    ]
    left, top = MARGIN + LABELS, MARGIN + TITLE + NAMES
    places = [
        ((float(square.get("x")) - left) // SIDE, (float(square.get("y")) - top) // SIDE)
        for square in squares
    ]
    assert places[:5] == [(0, 0), (1, 0), (2, 1), (0, 1), (3, 1)]  # (column, row)
    strongest = [
        title for title, square in zip(titles, squares, strict=True) if square.get("stroke") == "#1f2933"
    ]
    assert strongest == [titles[place] for place in (1, 3, 5, 6, 7, 9)]
