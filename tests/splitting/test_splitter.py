"""Splits of decisions that have unlike many options; none that is not scored asks for images."""

import dataclasses

import pytest
from chain import CHAIN

from nastk.splitting.splitter import Splitter


@pytest.fixture
def split(make_context):
    """A function (*KEY=VALUE words, mask=CHAIN's) -> the splitter, done."""

    def no_images():
        raise AssertionError("images were asked for")

    def make(*words, mask=None):
        context = make_context("fewshot", *words)
        mask = mask or CHAIN.full_mask()
        context = dataclasses.replace(context, space=CHAIN, mask=mask, load_images=no_images)
        splitter = Splitter(context, keep_weights=False)
        while not splitter.finished:
            splitter.step()
        return splitter

    return make


def allowed(splitter):
    return [leaf.mask.allowed for leaf in splitter.tree.leaves()]


def test_exhaustively_the_first_decision_that_has_a_choice(split):
    done = split("search.split=exhaustive")
    assert allowed(done) == [((option,), (0, 1, 2, 3), (0, 1, 2)) for option in (0, 1)]
    done = split("search.split=exhaustive", mask=CHAIN.full_mask().restrict(0, [1]))
    assert allowed(done) == [((1,), (option,), (0, 1, 2)) for option in range(4)]
    assert done.plan.num_leaves == 4


def test_a_decision_with_too_few_options_is_left_whole(split):
    for seed in range(4):
        done = split("search.split=random", "search.groups=[3]", f"run.seed={seed}")
        assert len(allowed(done)) == 3 and all(row[0] == (0, 1) for row in allowed(done))
    # Only the layer with four options can be split in pairs, and after that nothing.
    done = split("search.split=random", "search.groups=[2,2]", "search.min_group=2")
    (_, first, last), (_, second, _) = allowed(done)
    assert sorted(first + second) == [0, 1, 2, 3] and len(first) == len(second) == 2 and last == (0, 1, 2)


@pytest.mark.parametrize(("cell_types", "most"), [("all", 3), ("normal", 2)])
def test_groups_that_no_decision_has_options_for(split, cell_types, most):
    with pytest.raises(ValueError) as caught:
        split(
            *("search.split=random", "search.groups=[4]", f"search.cell_types={cell_types}"),
            mask=CHAIN.full_mask().restrict(1, [0, 3]),
        )
    assert str(caught.value) == (
        "search.groups: no decision has the 4 options that 4 groups of search.min_group=1 need; "
        f"they have {most} at most"
    )
