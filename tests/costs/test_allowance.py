"""What a search may find: kept, chosen, drawn and refused."""

import itertools

import pytest
import torch

from nastk import registry
from nastk.costs.allowance import Allowance
from nastk.costs.limits import Limits
from nastk.costs.prices import Prices
from nastk.networks.blocks import NetworkSettings
from nastk.spaces.derivation import fair_strengths
from nastk.spaces.mask import Mask
from nastk.weight_sharing.expected_excess import ExpectedExcess

SIZE = NetworkSettings(8, 3, 2, 3, (8, 8))


def allowance_of(name, limits, operations=None):
    space = registry.load_space(name)
    blocks = registry.space_entry(name).load_network().building_blocks(space, SIZE)
    return Allowance(space, space.mask_of(operations), Prices(space, blocks), limits)


def random_strengths(space, seed):
    shape = len(space.decisions), max(len(decision.options) for decision in space.decisions)
    return (
        torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        .softmax(1)
        .tolist()
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_strongest_within_the_limits_is_that_of_all_cells(seed):
    """NAS-Bench-201 with three operations: 729 cells."""
    operations = ["skip_connect", "nor_conv_1x1", "nor_conv_3x3"]
    wide = allowance_of("nasbench201", Limits(), operations)
    space, strengths = wide.space, random_strengths(wide.space, seed)
    cells = [space.genotype(options) for options in itertools.product(*wide.mask.allowed)]
    limits = Limits(*(sorted(wide.cost(cell)[k] for cell in cells)[200] for k in range(2)))
    narrow = Allowance(space, wide.mask, wide.prices, limits)

    def strength(cell):
        return sum(strengths[decision][option] for decision, option in space.path(cell))

    found = narrow.keep(space.derive(wide.mask, strengths), strengths)
    assert narrow.excess(found) == 0
    assert strength(found) == pytest.approx(max(strength(c) for c in cells if narrow.excess(c) == 0))


@pytest.mark.parametrize("name", ["darts", "relativenas", "nasbench201"])
def test_where_nothing_is_too_much_the_space_s_own_rule_holds(name):
    allowance = allowance_of(name, Limits(params=10**9))
    space, mask = allowance.space, allowance.mask
    for seed in range(3):
        strengths = random_strengths(space, seed)
        derived = space.derive(mask, strengths)
        fair = fair_strengths(mask, strengths)
        assert allowance.keep(derived, fair) is derived
        # and the strongest that can be composed is the same cell, its pairs perhaps in another order
        assert sorted(space.path(allowance.strongest(fair))) == sorted(space.path(derived))


@pytest.mark.parametrize("name", ["darts", "relativenas", "nasbench201"])
def test_draws_are_within_the_tightest_limits_and_not_always_the_same(name):
    free = allowance_of(name, Limits(params=10**9, macs=10**12))
    least = [int(value) for value in free._least()[:2]]
    tight = Allowance(free.space, free.mask, free.prices, Limits(params=least[0], macs=2 * least[1]))
    tight.check()
    generator = torch.Generator().manual_seed(0)
    assert all(tight.excess(tight.draw(generator)) == 0 for _ in range(3))
    roomy = Allowance(free.space, free.mask, free.prices, Limits(params=4 * least[0]))
    assert len({roomy.draw(generator) for _ in range(5)}) > 1


def test_what_is_too_small_is_refused_with_the_least_that_there_is():
    least = int(allowance_of("darts", Limits())._least()[0])
    with pytest.raises(
        ValueError, match=rf"^limits\.params: the smallest .* has {least:,} parameters, more than 7$"
    ):
        allowance_of("darts", Limits(params=7)).check()
    allowance_of("darts", Limits(params=least)).check()
    # A sub-space has a least of its own.
    heavy = ["sep_conv_3x3", "sep_conv_5x5"]
    with pytest.raises(ValueError, match="the smallest network of the space has"):
        allowance_of("darts", Limits(params=least), heavy).check()


def test_limits_that_cannot_be_kept_together():
    """One option of the only free decision is cheap in parameters, the other one in MACs."""
    allowance = allowance_of("nasbench201", Limits(params=10, macs=10))
    mask = Mask(((0,),) * 5 + ((1, 2),))
    allowance = allowance.under(mask)
    allowance.prices.fixed = (0, 0)
    allowance.prices.options = [[(0, 0)] * 5 for _ in range(5)] + [[(0, 0), (5, 20), (20, 5), (0, 0), (0, 0)]]
    with pytest.raises(
        ValueError, match=r"^limits: no network of the space has at most 10 parameters and at most 10 MACs"
    ):
        allowance.check()


def test_a_further_quantity_is_kept_where_it_can_be():
    allowance = allowance_of("nasbench201", Limits(params=10**9), ["skip_connect", "nor_conv_1x1"])
    strengths = [[0.0, 1.0, 0.5, 0.0, 0.0]] * 6  # skips are strongest
    skips = lambda part: float(sum(option == 1 for _, option in part))  # noqa: E731
    found = allowance.strongest(strengths, skips, 2)
    assert allowance.space.num_skips(found) == 2
    only = allowance.under(Mask(((1,),) * 6))
    assert only.space.num_skips(only.strongest(strengths, skips, 2)) == 6


def test_the_expected_excess_is_the_mean_over_all_cells():
    """Options are independent in NAS-Bench-201, so the expectation is that of cells drawn by the weights."""
    allowance = allowance_of("nasbench201", Limits(params=2000, macs=10**9), ["skip_connect", "nor_conv_3x3"])
    space, weights = allowance.space, torch.zeros(6, 5, dtype=torch.float64)
    weights[:, 1] = torch.linspace(0.1, 0.9, 6)
    weights[:, 3] = 1 - weights[:, 1]
    mean = 0.0
    for options in itertools.product((1, 3), repeat=6):
        probability = float(torch.stack([weights[d, o] for d, o in enumerate(options)]).prod())
        mean += probability * allowance.cost(space.genotype(options)).params
    weights.requires_grad_()
    found = ExpectedExcess(allowance, torch.device("cpu"))(weights)
    assert mean > 2000 and found.item() == pytest.approx(mean / 2000 - 1)
    found.backward()
    assert (weights.grad[:, 3] > 0).all() and (
        weights.grad[:, 1] < 0
    ).all()  # convolutions cost, skips do not
    assert (
        float(
            ExpectedExcess(allowance_of("darts", Limits(macs=10**12)), torch.device("cpu"))(
                torch.ones(28, 8) / 8
            )
        )
        == 0
    )


def test_the_expected_excess_of_one_hot_weights_is_that_of_the_cell():
    """Of a DARTS cell whose edges have one option each: any two inputs of a node are equally likely."""
    allowance = allowance_of("darts", Limits(params=100))
    option = allowance.space.operations.index("sep_conv_3x3")
    weights = torch.zeros(28, 8)
    weights[:, option] = 1
    firsts = (0, 2, 5, 9, 14, 16, 19, 23)  # edges of the nodes, of either cell
    cell = allowance.space.compose([((first, option), (first + 1, option)) for first in firsts])
    found = float(ExpectedExcess(allowance, torch.device("cpu"))(weights))
    # a convolution of the reduction cell has as many parameters at either stride
    assert found == pytest.approx(allowance.excess(cell))
