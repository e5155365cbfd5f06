"""Masks by options' names, in spaces whose decisions have different ones."""

import pytest
from chain import CHAIN, ChainSpace


def test_without_names_all_is_allowed():
    assert CHAIN.mask_of(None) == CHAIN.full_mask()
    assert CHAIN.full_mask().allowed == ((0, 1), (0, 1, 2, 3), (0, 1, 2))


def test_a_name_is_kept_wherever_it_is_an_option():
    """Under the index that it has there."""
    assert CHAIN.mask_of(["wide", "conv5", "conv3", "wide"]).allowed == ((0, 1), (1, 2), (2,))
    assert CHAIN.mask_of(["conv3", "conv7", "narrow", "middle"]).allowed == ((0,), (1, 3), (0, 1))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "name at least one operation"),
        (
            ["conv3", "narrow", "conv9"],
            "unknown operation 'conv9' in space 'chain' (it has conv3, conv5, skip, conv7, narrow, middle, wide)",
        ),
        (["skip", "narrow"], "no operation is left for layer 0 (it has conv3, conv5)"),
        (["conv3", "skip"], "no operation is left for head width (it has narrow, middle, wide)"),
    ],
)
def test_names_that_leave_nothing(names, message):
    with pytest.raises(ValueError) as caught:
        CHAIN.mask_of(names)
    assert str(caught.value) == f"space.operations: {message}"


def test_a_space_s_own_word_against_a_mask_is_said_of_the_names():
    class Picky(ChainSpace):
        def check_mask(self, mask):
            raise ValueError("mask: nothing useful is left")

    with pytest.raises(ValueError, match=r"^space\.operations: nothing useful is left$"):
        Picky("picky").mask_of(["conv3", "narrow"])


def test_what_a_space_need_not_have():
    genotype = CHAIN.genotype((0, 0, 0))
    assert (CHAIN.cells(genotype), CHAIN.figures(genotype), CHAIN.published_size) == ({}, {}, None)
    assert not CHAIN.recognises("anything")
