"""The picture of a cell: what it holds, and that nothing in it lies over anything else."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk.archs import list_archs, load_arch
from nastk.report.cell_layout import Box, cell_layout, node_layers
from nastk.report.cell_svg import FAMILIES, OTHER, cell_svg, family
from nastk.report.drawings import draw
from nastk.spaces.cell import DARTS, RELATIVENAS

SVG = "{http://www.w3.org/2000/svg}"
CONCAT = (2, 3, 4, 5)
CHAIN = tuple(("sep_conv_3x3", source) for source in (0, 1, 1, 2, 2, 3, 3, 4))
FLAT = tuple(("dil_conv_5x5", 1) for _ in range(8))


def elements(svg, tag, kind=None):
    found = ElementTree.fromstring(svg).iter(SVG + tag)
    return [element for element in found if kind is None or element.get("class") == kind]


@st.composite
def cells(draw):
    space = draw(st.sampled_from([DARTS, RELATIVENAS]))
    codec = space.codec(space.full_mask())
    vector = [draw(st.floats(0, upper)) for upper in codec.upper]
    return codec.decode(vector).body.normal


def published():
    for name in list_archs():
        body = load_arch(name).genotype.body
        yield from (pytest.param(body.cell(key), id=f"{name}-{key}") for key in ("normal", "reduce"))


def check_geometry(pairs):
    layout = cell_layout(pairs, CONCAT)
    boxes = [*layout.nodes, layout.output, *(edge.label for edge in layout.edges)]
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
    page = Box(0, 0, layout.width, layout.height)
    for box in boxes:
        assert box.x > 0 and box.y > 0
        assert box.x + box.width < page.width and box.y + box.height < page.height
    ways = [(edge.points, [edge.label]) for edge in layout.edges] + [(wire, []) for wire in layout.wires]
    for points, own in ways:
        for index, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
            assert x0 < x1
            if index % 2:
                assert y0 == y1
                track = Box(x0, y0 - 1, x1 - x0, 2)  # level, past the boxes of a column
            else:
                track = Box(x0, 0, x1 - x0, layout.height)  # between columns, at whatever height
            met = [box for box in boxes if track.overlaps(box)]
            assert met == (own if index == len(points) - 3 else [])
    # No two edges share a way, not even those of the same operation on the same input.
    assert len({points for points, _ in ways}) == len(ways)
    assert [(edge.operation, edge.source) for edge in layout.edges] == list(pairs)
    for edge in layout.edges:
        source, node = layout.nodes[edge.source], layout.nodes[edge.node]
        assert edge.points[0] == (source.x + source.width, source.middle[1])
        assert edge.points[-1][0] == node.x
        assert node.y < edge.points[-1][1] < node.y + node.height
        assert edge.label.middle[1] == edge.points[-2][1]


def check_picture(pairs):
    svg = cell_svg("a cell", pairs, CONCAT)
    assert svg == cell_svg("a cell", list(pairs), list(CONCAT))
    paths = [path.get("d") for path in elements(svg, "path", "pair")]
    assert len(paths) == len(set(paths)) == len(pairs)
    assert [text.text for text in elements(svg, "text", "operation")] == [name for name, _ in pairs]
    assert len(elements(svg, "path", "wire")) == len(CONCAT)
    assert len(elements(svg, "path")) == len(pairs) + len(CONCAT)


@settings(deadline=None, max_examples=40)
@given(cells())
def test_any_cell(pairs):
    check_geometry(pairs)
    check_picture(pairs)


@pytest.mark.parametrize("pairs", [*published(), CHAIN, FLAT])
def test_published_and_extreme_cells(pairs):
    check_geometry(pairs)
    check_picture(pairs)


def test_inputs_nodes_and_output_are_labelled():
    texts = ["".join(text.itertext()) for text in elements(cell_svg("my title", CHAIN, CONCAT), "text")]
    assert {"my title", "ck-2", "ck-1", "ck", "2", "3", "4", "5"} <= set(texts)


def test_only_the_nodes_of_concat_are_wired_to_the_output():
    assert len(elements(cell_svg("", CHAIN, (4, 5)), "path", "wire")) == 2


def test_layers():
    assert node_layers(CHAIN) == [0, 0, 1, 2, 3, 4]
    assert node_layers(FLAT) == [0, 0, 1, 1, 1, 1]


def test_an_unused_input_is_faint():
    def stroke(pairs):
        boxes = [rect for rect in elements(cell_svg("", pairs, CONCAT), "rect") if rect.get("rx") == "8"]
        return [box.get("stroke") for box in boxes[:2]]

    assert stroke(CHAIN)[0] == stroke(CHAIN)[1] == stroke(FLAT)[1] != stroke(FLAT)[0]


@pytest.mark.parametrize("text", ["<&>\"'", "]]>", "\0\x1b[31m", "\ud800", "名前 ✓"])
def test_titles_and_operations_are_escaped(text):
    svg = cell_svg(text, ((text, 0), (text, 1)), (2,))
    svg.encode()
    title = elements(svg, "title")[0].text
    assert title == elements(svg, "text", "operation")[0].text
    assert len(title) == len(text)
    if text.isprintable():
        assert title == text


def test_a_long_title_widens_the_picture():
    def width(title):
        return float(ElementTree.fromstring(cell_svg(title, FLAT, CONCAT)).get("width"))

    assert width("x" * 200) > width("x") + 1000


def test_every_operation_of_the_spaces_has_a_family():
    assert {family(name) for name in RELATIVENAS.operations} == set(FAMILIES)
    assert family("something_new") == OTHER


def test_a_genotype_is_drawn_cell_by_cell():
    genotype = load_arch("relativenas-cifar10").genotype
    pictures = draw(genotype)
    assert pictures == {
        "normal": cell_svg("normal cell", genotype.body.normal, CONCAT),
        "reduce": cell_svg("reduction cell", genotype.body.reduce, CONCAT),
    }
    # The two edges of node 3 are the same operation on the same input: two labels, two curves.
    assert pictures["normal"].count(">sep_conv_3x3</text>") == 5


def test_the_picture_needs_nothing_from_outside():
    svg = draw(load_arch("darts-v2").genotype)["normal"]
    assert svg.count("http") == 1  # the name space
    assert not any(word in svg for word in ("<script", "href", "url(", " id="))


def test_drawing_and_naming_import_no_torch():
    program = (
        "import sys; from nastk.archs import load_arch; from nastk.report import drawings; "
        "drawings.draw(load_arch('darts-v2').genotype); print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
