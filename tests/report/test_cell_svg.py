"""The picture of a cell: what it holds, and that nothing in it lies over anything else."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk.archs import list_archs, load_arch
from nastk.genotype import Genotype
from nastk.report.cell_layout import Box, cell_layout
from nastk.report.cell_svg import DEAD, FAMILIES, INK, OTHER, cell_svg, family
from nastk.report.drawings import draw, draw_files
from nastk.spaces.cell import DARTS, RELATIVENAS
from nastk.spaces.cell_graph import CellGraph
from nastk.spaces.nasbench201 import NASBENCH201

SVG = "{http://www.w3.org/2000/svg}"
CONCAT = (2, 3, 4, 5)
CHAIN = CellGraph.of_pairs([("sep_conv_3x3", source) for source in (0, 1, 1, 2, 2, 3, 3, 4)], CONCAT)
FLAT = CellGraph.of_pairs([("dil_conv_5x5", 1)] * 8, CONCAT)


def elements(svg, tag, kind=None):
    found = ElementTree.fromstring(svg).iter(SVG + tag)
    return [element for element in found if kind is None or element.get("class") == kind]


def sums(*rows):
    """A cell like NAS-Bench-201's: each row the names of a node's edges, "" for an input not taken."""
    return CellGraph(
        1,
        len(rows),
        tuple(
            (name, source, node)
            for node, row in enumerate(rows, start=1)
            for source, name in enumerate(row)
            if name
        ),
    )


@st.composite
def cells(draw):
    space = draw(st.sampled_from([DARTS, RELATIVENAS]))
    codec = space.codec(space.full_mask())
    vector = [draw(st.floats(0, upper)) for upper in codec.upper]
    return CellGraph.of_pairs(codec.decode(vector).body.normal, CONCAT)


@st.composite
def cells_of_sums(draw):
    """Also such as have nodes without any edges."""
    names = st.sampled_from(["", *NASBENCH201.operations[1:]])
    return sums(*(draw(st.lists(names, min_size=node, max_size=node)) for node in range(1, 4)))


def published():
    for name in list_archs():
        body = load_arch(name).genotype.body
        for key in ("normal", "reduce"):
            yield pytest.param(CellGraph.of_pairs(body.cell(key), CONCAT), id=f"{name}-{key}")


def check_geometry(cell):
    layout = cell_layout(cell)
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
    assert [(edge.operation, edge.source, edge.node) for edge in layout.edges] == list(cell.edges)
    assert len(layout.wires) == len(cell.concat)
    places = [*layout.nodes, layout.output]
    assert len({edge.points[-1] for edge in layout.edges}) == len(layout.edges)
    for edge in layout.edges:
        source, node = places[edge.source], places[edge.node]
        assert edge.points[0] == (source.x + source.width, source.middle[1])
        assert edge.points[-1][0] == node.x
        assert node.y < edge.points[-1][1] < node.y + node.height
        assert edge.label.middle[1] == edge.points[-2][1]


def check_picture(cell):
    svg = cell_svg("a cell", cell)
    assert svg == cell_svg("a cell", cell)
    paths = [path.get("d") for path in elements(svg, "path", "edge")]
    assert len(paths) == len(set(paths)) == len(cell.edges)
    assert [text.text for text in elements(svg, "text", "operation")] == [name for name, _, _ in cell.edges]
    assert len(elements(svg, "path", "wire")) == len(cell.concat)
    assert len(elements(svg, "path")) == len(cell.edges) + len(cell.concat)


@settings(max_examples=50)
@given(cells() | cells_of_sums())
def test_any_cell(cell):
    check_geometry(cell)
    check_picture(cell)


@pytest.mark.parametrize("cell", [*published(), CHAIN, FLAT, sums([""], ["", ""], ["", "", ""])])
def test_published_and_extreme_cells(cell):
    check_geometry(cell)
    check_picture(cell)


def texts(svg):
    return {"".join(text.itertext()) for text in elements(svg, "text")}


def test_inputs_nodes_and_output_are_labelled():
    assert {"my title", "ck-2", "ck-1", "ck", "2", "3", "4", "5"} <= texts(cell_svg("my title", CHAIN))
    assert texts(cell_svg("", sums(["skip"], ["", ""], ["", "", ""]))) == {"", "ck-1", "ck", "1", "2", "skip"}


def test_only_the_nodes_of_concat_are_wired_to_the_output():
    cell = CellGraph(2, 6, CHAIN.edges, concat=(4, 5))
    assert len(elements(cell_svg("", cell), "path", "wire")) == 2


def test_layers():
    assert CHAIN.layers() == [0, 0, 1, 2, 3, 4, 5]
    assert FLAT.layers() == [0, 0, 1, 1, 1, 1, 2]
    cell = sums([""], ["skip", "skip"], ["", "", ""])  # node 1 has no edges, nor has the output
    assert cell.layers() == [0, 1, 2, 3]


def strokes(cell):
    """Of the boxes: the inputs, the nodes and the output."""
    boxes = elements(cell_svg("", cell), "rect")
    return [box.get("stroke") for box in boxes if box.get("rx") == "8"]


def test_what_is_on_no_way_from_an_input_to_the_output_is_faint():
    assert FLAT.live() == {1, 2, 3, 4, 5, 6}
    assert [stroke == INK for stroke in strokes(FLAT)] == [False] + [True] * 6
    assert set(strokes(CHAIN)) == {INK}
    cell = sums([""], ["nor_conv_1x1", "skip"], ["", "skip", "nor_conv_3x3"])  # nothing comes to node 1
    assert cell.live() == {0, 2, 3}
    assert [stroke == INK for stroke in strokes(cell)] == [True, False, True, True]
    inks = [path.get("stroke") for path in elements(cell_svg("", cell), "path", "edge")]
    blue = family("nor_conv_1x1").ink
    assert inks == [blue, DEAD.ink, DEAD.ink, blue]
    assert sums(["skip"], ["", "skip"], ["", "", ""]).live() == set()  # nothing comes to the output


def test_edges_into_one_place_end_apart():
    layout = cell_layout(sums(["skip"], ["", ""], ["a", "b", "c"]))
    ends = sorted(edge.points[-1][1] - layout.output.middle[1] for edge in layout.edges if edge.node == 3)
    assert ends == [-9, 0, 9]
    (alone,) = [edge for edge in layout.edges if edge.node == 1]
    assert alone.points[-1][1] == layout.nodes[1].middle[1]


@pytest.mark.parametrize("text", ["<&>\"'", "]]>", "\0\x1b[31m", "\ud800", "名前 ✓"])
def test_titles_and_operations_are_escaped(text):
    svg = cell_svg(text, CellGraph.of_pairs([(text, 0), (text, 1)], [2]))
    svg.encode()
    title = elements(svg, "title")[0].text
    assert title == elements(svg, "text", "operation")[0].text
    assert len(title) == len(text)
    if text.isprintable():
        assert title == text


def test_a_long_title_widens_the_picture():
    def width(title):
        return float(ElementTree.fromstring(cell_svg(title, FLAT)).get("width"))

    assert width("x" * 200) > width("x") + 1000


def test_every_operation_of_the_spaces_has_a_family():
    names = {*RELATIVENAS.operations, *NASBENCH201.operations[1:]}
    assert {family(name) for name in names} == set(FAMILIES)
    assert family("something_new") == OTHER


def test_a_genotype_is_drawn_cell_by_cell():
    genotype = load_arch("relativenas-cifar10").genotype
    pictures = draw(genotype)
    assert pictures == {
        "normal": cell_svg("normal cell", CellGraph.of_pairs(genotype.body.normal, CONCAT)),
        "reduce": cell_svg("reduction cell", CellGraph.of_pairs(genotype.body.reduce, CONCAT)),
    }
    assert list(draw_files(genotype, "mine")) == ["mine_normal", "mine_reduce"]
    # The two edges of node 3 are the same operation on the same input: two labels, two curves.
    assert pictures["normal"].count(">sep_conv_3x3</text>") == 5


def test_a_string_of_nasbench201_is_drawn_as_one_cell_without_its_none():
    body = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
    cell = sums(["nor_conv_3x3"], ["", "skip_connect"], ["nor_conv_1x1", "", "avg_pool_3x3"])
    genotype = Genotype("nasbench201", body)
    assert draw(genotype) == {"cell": cell_svg("cell", cell)}
    assert draw_files(genotype, "mine") == {"mine": cell_svg("cell", cell)}


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
