"""One value a decision: which option a value means where decisions have unlike many, by hand."""

import itertools

import pytest
from chain import CHAIN

from nastk.spaces.codec import OptionCodec
from nastk.spaces.mask import Mask

WHOLE = OptionCodec(CHAIN, CHAIN.full_mask())
PART = OptionCodec(CHAIN, Mask(((0, 1), (1, 3), (2,))))


def test_the_box_has_the_options_of_each_decision():
    assert WHOLE.upper == PART.upper == (2, 4, 3)


@pytest.mark.parametrize(
    ("codec", "vector", "options"),
    [
        (WHOLE, (0.0, 0.0, 0.0), (0, 0, 0)),
        (WHOLE, (1.0, 1.0, 1.0), (0, 0, 0)),
        (WHOLE, (1.01, 3.0, 2.5), (1, 2, 2)),
        (WHOLE, (2.0, 4.0, 3.0), (1, 3, 2)),
        # Halves of [0, 4] for two options, all of [0, 3] for one.
        (PART, (1.0, 2.0, 0.0), (0, 1, 2)),
        (PART, (1.5, 2.01, 3.0), (1, 3, 2)),
    ],
)
def test_a_value_means_an_option_of_its_decision(codec, vector, options):
    assert codec.decode(vector) == CHAIN.genotype(options)


def test_an_architecture_is_the_middle_of_its_box():
    assert WHOLE.encode(CHAIN.genotype((1, 2, 0))) == [1.5, 2.5, 0.5]
    assert PART.encode(CHAIN.genotype((0, 3, 2))) == [0.5, 3.0, 1.5]


def test_every_architecture_comes_back():
    genotypes = [CHAIN.genotype(options) for options in itertools.product(range(2), range(4), range(3))]
    assert [WHOLE.decode(WHOLE.encode(genotype)) for genotype in genotypes] == genotypes


def test_what_the_mask_forbids_is_named_by_its_decision():
    with pytest.raises(ValueError, match=r"^the genotype is outside the sub-space at layer 1$"):
        PART.encode(CHAIN.genotype((0, 2, 2)))
    with pytest.raises(ValueError, match=r"^the genotype is outside the sub-space at head width$"):
        PART.encode(CHAIN.genotype((0, 1, 0)))
