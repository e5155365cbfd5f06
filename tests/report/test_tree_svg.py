"""The picture of a few-shot split: a box a node, groups by name, scores of the leaves."""

from xml.etree import ElementTree

import pytest
from chain import CHAIN

from nastk.report.drawings import draw_details
from nastk.spaces.cell import DARTS
from nastk.splitting.tree import Split, SplitTree

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def tree():
    tree = SplitTree(DARTS.full_mask())
    tree.split(0, Split(3, tuple(range(8)), ((0, 1, 2, 3), (4, 5, 6, 7)), None, 0.25))
    tree.split(1, Split(14, tuple(range(8)), ((0, 7), (1, 2, 3, 4, 5, 6))))
    return tree


def drawing(tree, chosen=2):
    leaves = [
        {"leaf": node.number, "score": {"value": node.number / 10, "accuracy": 50.0}}
        for node in tree.leaves()
    ]
    text = draw_details({"tree": tree.to_json(DARTS.decisions), "leaves": leaves, "chosen": chosen})["tree"]
    return ElementTree.fromstring(text)


def test_every_node_has_a_box_with_its_group(tree):
    root = drawing(tree)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert len(list(root.iter(f"{SVG}rect"))) == 1 + len(tree.nodes)
    assert len(list(root.iter(f"{SVG}path"))) == len(tree.nodes) - 1
    assert texts[:2] == ["whole space", "split: normal 1 -> 3 (0.250)"]
    assert "split: reduce 0 -> 2" in texts and "leaf 2: 0.2000 (50.0 %)" in texts
    assert texts.count("none") == 2 and texts.count("dil_conv_5x5") == 2


def test_groups_of_decisions_that_have_options_of_their_own():
    tree = SplitTree(CHAIN.full_mask())
    tree.split(0, Split(1, (0, 1, 2, 3), ((0, 3), (1, 2)), None, 0.5))
    tree.split(1, Split(2, (0, 1, 2), ((0, 1), (2,))))
    text = draw_details({"tree": tree.to_json(CHAIN.decisions), "leaves": [], "chosen": 2})["tree"]
    texts = [element.text for element in ElementTree.fromstring(text).iter(f"{SVG}text")]
    assert texts == [
        *("whole space", "split: layer 1 (0.500)", "skip", "conv7", "split: head width", "conv3", "conv5"),
        *("narrow", "middle", "wide"),
    ]


def test_boxes_lie_inside_and_apart(tree):
    root = drawing(tree)
    boxes = [
        [float(rect.get(name)) for name in ("x", "y", "width", "height")]
        for rect in list(root.iter(f"{SVG}rect"))[1:]
    ]
    for x, y, width, height in boxes:
        assert x > 0 and y > 0
        assert x + width < float(root.get("width")) and y + height < float(root.get("height"))
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            apart = one[0] >= other[0] + other[2] or other[0] >= one[0] + one[2]
            assert apart or one[1] >= other[1] + other[3] or other[1] >= one[1] + one[3]


def test_the_tree_reads_back(tree):
    assert SplitTree.from_json(tree.to_json(DARTS.decisions)).to_json() == tree.to_json()


def test_leaves_that_diverged_or_have_no_accuracy(tree):
    leaves = [{"leaf": 2, "score": None}, {"leaf": 3, "score": {"value": 0.5, "accuracy": float("nan")}}]
    text = draw_details({"tree": tree.to_json(DARTS.decisions), "leaves": leaves, "chosen": 3})["tree"]
    assert "leaf 2: diverged<" in text and "leaf 3: 0.5000<" in text


def test_other_details_have_no_picture():
    assert draw_details({"queries": 3}) == {}
