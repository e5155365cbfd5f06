"""The picture of P-DARTS's stages: a square for every operation that a stage's mask allows."""

from dataclasses import asdict
from xml.etree import ElementTree

from nastk.report.drawings import draw_details
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
