"""What splitting will cost where decisions have unlike many options, by hand."""

import pytest
from chain import CHAIN

from nastk.spaces.mask import Mask
from nastk.splitting.plan import SplitPlan, to_split
from nastk.splitting.splitter import SplittingConfig


def plan_of(mask=None, **settings):
    settings = SplittingConfig(**({"rounds": 10, "probe_epochs": 5} | settings))
    return SplitPlan.of(settings, mask or CHAIN.full_mask(), CHAIN.decisions, keep_weights=False)


def test_scoring_takes_a_pass_an_option_of_every_decision_that_is_whole():
    """At the root 2 + 4 + 3, in each of two children what is left if the narrowest was split: 4 + 3."""
    plan = plan_of()
    assert (plan.levels, plan.num_nodes, plan.num_leaves) == ((2, 2), 3, 4)
    assert (plan.decisions, plan.gradients) == (3 + 2 * 2, 10 * (9 + 2 * 7))
    assert (plan.epochs, plan.num_steps) == (3 * 5, 3 * 5 + 7)
    assert plan.cost(batches=23) == 15 + 230 / 23


def test_a_mixture_costs_what_the_options_do_on_average():
    assert plan_of(probe="mixture").width == 3
    assert plan_of(CHAIN.full_mask().restrict(1, [3]), probe="mixture").width == 2


@pytest.mark.parametrize("split", ["random", "exhaustive", "none"])
def test_what_is_not_scored_costs_nothing(split):
    plan = plan_of(split=split)
    assert (plan.decisions, plan.gradients, plan.epochs) == (0, 0, 0)


def test_an_exhaustive_split_has_a_leaf_an_option_of_the_first_decision_that_has_a_choice():
    assert plan_of(split="exhaustive").levels == (2,)
    assert plan_of(CHAIN.full_mask().restrict(0, [1]), split="exhaustive").levels == (4,)
    assert plan_of(Mask(((1,), (0,), (2,))), split="exhaustive").levels == (1,)


def test_the_first_group_is_what_normal_means():
    assert to_split(SplittingConfig(), CHAIN.decisions) == [0, 1, 2]
    assert to_split(SplittingConfig(cell_types="normal"), CHAIN.decisions) == [0, 1]
    assert plan_of(cell_types="normal").gradients == 10 * (6 + 2 * 4)
