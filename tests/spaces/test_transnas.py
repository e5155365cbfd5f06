"""The spaces of TransNAS-Bench-101: their strings, the constraints of the chain, both encodings."""

import itertools

import pytest

from nastk.genotype import Genotype, parse, to_json
from nastk.spaces.transnas import MACRO, MICRO

SPACES = [MICRO, MACRO]


def chains():
    """Every string of the macro space, by its definition."""
    for length in (4, 5, 6):
        for digits in itertools.product("1234", repeat=length):
            strides, doublings = sum(d in "34" for d in digits), sum(d in "24" for d in digits)
            if 1 <= strides <= 4 and 1 <= doublings <= 3:
                yield f"64-{''.join(digits)}-basic"


def test_sizes():
    assert len({MICRO.genotype(cell) for cell in itertools.product(range(4), repeat=6)}) == 4096
    lengths = [len(chain) - len("64--basic") for chain in chains()]
    assert [lengths.count(length) for length in (4, 5, 6)] == [210, 750, 2296]


@pytest.mark.parametrize(
    ("space", "arch"), [(MICRO, "64-41414-3_32_132"), (MACRO, "64-111123-basic"), (MACRO, "64-2243-basic")]
)
def test_strings_are_read_and_written(space, arch):
    genotype = Genotype(space.name, arch)
    assert parse(to_json(genotype)) == (genotype, {})
    codec = space.codec(space.full_mask())
    assert codec.decode(codec.encode(genotype)) == genotype


def test_a_cell_s_digits_are_its_edges_in_the_order_of_nasbench201():
    genotype = Genotype("transnas-micro", "64-41414-3_20_113")
    assert MICRO.path(genotype) == ((0, 3), (1, 2), (2, 0), (3, 1), (4, 1), (5, 3))
    assert not MICRO.is_connected(Genotype("transnas-micro", "64-41414-0_02_033"))


@pytest.mark.parametrize(
    ("space", "arch"),
    [
        *((MICRO, text) for text in ("64-41414-4_00_000", "64-41414-000000", "64-41414-0_00_00\u0660", "x")),
        *((MICRO, "64-2243-basic"), (MACRO, "64-41414-0_00_000"), (MACRO, 3), (MICRO, None)),
        *(
            (MACRO, f"64-{digits}-basic")
            for digits in ("113", "1111111", "1111", "3333", "2222", "12345", "")
        ),
        *((MACRO, "64-1123-basic\n"), (MACRO, "64-44443-basic")),
    ],
)
def test_other_strings_are_refused(space, arch):
    with pytest.raises(ValueError, match=r"^arch: expected .*, found") as caught:
        space.body_from_json({"arch": arch})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("space", SPACES)
def test_an_encoding_reaches_all(space):
    codec = space.codec(space.full_mask())
    if space is MICRO:
        assert codec.upper == (4,) * 6
        genotypes = [MICRO.genotype(cell) for cell in itertools.product(range(4), repeat=6)]
    else:
        assert codec.upper == (3, *(4,) * 6)
        genotypes = [Genotype("transnas-macro", arch) for arch in chains()]
    for genotype in genotypes:
        assert codec.decode(codec.encode(genotype)) == genotype


def test_masks_of_the_chain():
    """Modules that only double: no chain without a stride; strides everywhere: at most four modules."""
    for names in (["double"], ["keep", "double"], ["stride"], ["stride_double"]):
        with pytest.raises(
            ValueError, match=r"space\.operations: no architecture of space 'transnas-macro' is left"
        ):
            MACRO.mask_of(names)
    codec = MACRO.codec(MACRO.mask_of(["stride", "stride_double"]))
    found = {
        codec.decode([length, *values]).body
        for length in (0, 3)
        for values in itertools.product((0, 4), repeat=6)
    }
    assert found == {
        f"64-{''.join(d)}-basic" for d in itertools.product("34", repeat=4) if 1 <= d.count("4") <= 3
    }
    with pytest.raises(ValueError, match=r"^the genotype is outside the sub-space at network module 0$"):
        codec.encode(Genotype("transnas-macro", "64-1433-basic"))
    with pytest.raises(ValueError, match=r"^the genotype is outside the sub-space at its length, 5 modules$"):
        codec.encode(Genotype("transnas-macro", "64-14331-basic"))


def test_masks_of_the_cell():
    with pytest.raises(
        ValueError, match=r"space\.operations: no cell is left whose output depends on its input"
    ):
        MICRO.mask_of(["none"])
    with pytest.raises(ValueError, match="unknown operation 'avg_pool_3x3' in space 'transnas-micro'"):
        MICRO.mask_of(["avg_pool_3x3"])
