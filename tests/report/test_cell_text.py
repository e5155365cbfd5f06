"""The plain-text form of cells, to the letter."""

from nastk.archs import load_arch
from nastk.genotype import Genotype
from nastk.report import drawings
from nastk.report.cell_text import cell_text
from nastk.spaces.cell_graph import CellGraph

NASBENCH201 = """\
cell |none~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|
      1 = 0
      2 = skip_connect(1)
  c_{k} = nor_conv_1x1(c_{k-1}) + avg_pool_3x3(2)
"""
RELATIVENAS = """\
normal cell
      2 = sep_conv_3x3(c_{k-2}) + dil_conv_5x5(c_{k-1})
      3 = sep_conv_3x3(c_{k-1}) + sep_conv_3x3(c_{k-1})
      4 = sep_conv_3x3(c_{k-1}) + sep_conv_5x5(c_{k-1})
      5 = skip_connect(c_{k-2}) + sep_conv_3x3(c_{k-2})
  c_{k} = concat(2, 3, 4, 5)

reduction cell
      2 = avg_pool_3x3(c_{k-1}) + max_pool_3x3(c_{k-1})
      3 = dil_conv_5x5(c_{k-1}) + max_pool_3x3(c_{k-1})
      4 = avg_pool_3x3(3)       + skip_connect(c_{k-1})
      5 = dil_conv_5x5(3)       + sep_conv_3x3(c_{k-1})
  c_{k} = concat(2, 3, 4, 5)
"""


def test_both_cells_of_a_genotype():
    assert drawings.describe(load_arch("relativenas-cifar10").genotype) == RELATIVENAS


def test_a_string_of_nasbench201():
    body = "|none~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
    assert drawings.describe(Genotype("nasbench201", body)) == NASBENCH201


def test_names_of_unequal_length_are_aligned():
    assert cell_text("t", CellGraph.of_pairs([("a", 0), ("b", 1), ("longer", 2), ("c", 0)], [3])) == (
        "t\n      2 = a(c_{k-2}) + b(c_{k-1})\n      3 = longer(2)  + c(c_{k-2})\n  c_{k} = concat(3)\n"
    )


def test_a_body_without_a_drawing_is_told_as_its_file_tells_it():
    genotype = Genotype("transnas-macro", "64-1234-basic")
    assert drawings.describe(genotype) == "arch: 64-1234-basic\n"
    assert drawings.draw(genotype) == {}
