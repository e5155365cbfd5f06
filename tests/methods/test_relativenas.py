"""RelativeNAS: the acceptance facts A4, A5, A7, A11 and the contraction of the population."""

import math
import statistics
from itertools import pairwise

import pytest
import torch

from nastk.data.batches import Batches
from nastk.data.search_images import SearchImages
from nastk.estimators.estimator import Estimator
from nastk.estimators.score import Score
from nastk.methods.random_search import RandomSearch
from nastk.methods.relativenas import RelativeNAS, diversity, slow_fast_update
from nastk.populations import estimator_search


def loss_score(value):
    return Score(value, "cross_entropy", "min", "validation", "test", 0.0, 1.0)


class FakeWeights(Estimator):
    """Stands in for the shared weights: the score of a genotype is `fitness(genotype)`."""

    fitness = staticmethod(lambda genotype: 0.0)
    comparable = False
    network_input = None

    def __init__(self, *_, **__):
        self.calls = []

    def train(self, genotypes, *, lr, drop_path):
        self.calls.append((len(genotypes), lr, drop_path))
        return [loss_score(self.fitness(genotype)) for genotype in genotypes]

    def score(self, genotype):
        return loss_score(self.fitness(genotype))

    def state_dict(self):
        return {}


@pytest.fixture
def fake_weights(monkeypatch):
    monkeypatch.setattr(estimator_search, "SharedWeights", FakeWeights)

    def set_fitness(fitness):
        monkeypatch.setattr(FakeWeights, "fitness", staticmethod(fitness))

    return set_fitness


def run(search):
    metrics = []
    while not search.finished:
        metrics.append(search.step())
    return metrics


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_a4_slow_fast_update():
    position, velocity = vector(0.4, 6.5), vector(0.0, 0.0)
    fast, upper, half = vector(1.6, 1.5), vector(2, 7), vector(0.5, 0.5)
    for expected_position, expected_velocity in (((1.0, 4.0), (0.6, -2.5)), ((1.6, 1.5), (0.6, -2.5))):
        position, velocity = slow_fast_update(
            position, velocity, fast, momentum=half, attraction=half, upper=upper
        )
        torch.testing.assert_close(position, vector(*expected_position))
        torch.testing.assert_close(velocity, vector(*expected_velocity))


def test_a4_a_large_step_is_clipped_and_its_velocity_kept():
    position, velocity = slow_fast_update(
        vector(1.9, 0.1), vector(9.0, -9.0), vector(1.9, 0.1), momentum=vector(1, 1), attraction=vector(1, 1),
        upper=vector(2, 7),
    )  # fmt: skip
    assert position.tolist() == [2.0, 0.0]
    assert velocity.tolist() == [9.0, -9.0]


def test_only_the_slow_learner_moves(make_context, fake_weights):
    search = RelativeNAS(make_context("relativenas"))
    order = iter([2.0, 1.0] * 100)
    fake_weights(lambda _: next(order))
    positions, velocities = search.positions.clone(), search.velocities.clone()
    metrics = search.step()
    fast, slow = metrics["fast"], metrics["slow"]
    assert [slow, fast] == search.order[0].tolist()
    for member in range(4):
        same = torch.equal(search.positions[member], positions[member])
        assert same == (member != slow)
        assert torch.equal(search.velocities[member], velocities[member]) == (member != slow)


def test_a5_every_generation_is_a_perfect_matching_with_fresh_coefficients(make_context, fake_weights):
    search = RelativeNAS(make_context("relativenas", "search.population=10", "search.generations=3"))
    drawn = []
    for _ in range(3):
        assert sorted(search.order.flatten().tolist()) == list(range(10))
        assert search.coefficients.shape == (2, 5, 32)  # momentum and attraction, pairs, dimensions
        assert search.coefficients.min() >= 0 and search.coefficients.max() < 1
        drawn.append(search.coefficients.clone())
        for _ in range(5):
            search.step()
    assert not torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[1], drawn[2])


def test_a5_an_odd_population_is_refused(make_context):
    with pytest.raises(ValueError, match=r"search\.population: expected an even number, found 5"):
        RelativeNAS(make_context("relativenas", "search.population=5"))


@pytest.mark.parametrize(("losses", "fast"), [([math.nan, 3.0], 1), ([3.0, math.nan], 0), ([1.0, 1.0], 0)])
def test_a7_what_is_not_finite_is_never_fast_and_a_tie_goes_by_position(
    make_context, fake_weights, losses, fast
):
    search = RelativeNAS(make_context("relativenas"))
    values = iter(losses)
    fake_weights(lambda _: next(values))
    assert search.step()["fast"] == search.order[0, fast]


def test_a7_nobody_learns_from_a_pair_that_diverged(make_context, fake_weights):
    search = RelativeNAS(make_context("relativenas"))
    fake_weights(lambda _: math.nan)
    before = search.positions.clone()
    search.step()
    assert torch.equal(search.positions, before)


def test_a_population_without_any_finite_loss_is_an_error(make_context, fake_weights):
    """Said as soon as as many as a population are trained."""
    search = RelativeNAS(make_context("relativenas"))
    fake_weights(lambda _: math.nan)
    search.step()
    with pytest.raises(ValueError, match=r"no candidate has a finite score; try a smaller train\.lr"):
        search.step()


def test_a_last_population_without_any_finite_loss_is_an_error(make_context, fake_weights):
    search = RelativeNAS(make_context("relativenas", "search.generations=2"))
    losses = iter([1.0] * 4)
    fake_weights(lambda _: next(losses, math.nan))
    with pytest.raises(ValueError, match="no candidate of the last population has a finite loss"):
        run(search)


def test_after_a_last_generation_that_diverged_the_final_weights_choose(make_context, fake_weights):
    search = RelativeNAS(make_context("relativenas", "search.generations=2"))
    losses = iter([1.0] * 4 + [math.nan] * 4 + [3.0, math.nan, 1.0, 2.0])
    fake_weights(lambda _: next(losses))
    metrics = run(search)
    assert (metrics[-1]["best"], metrics[-1]["loss"]) == (2, 1.0)
    assert [score.value for _, score in search.result().ranking][:3] == [1.0, 2.0, 3.0]


def test_a11_the_paper_setting_trains_1000_candidates_and_merges_500_times(
    make_context, fake_weights, random_images
):
    paper = ("search.population=20", "search.generations=50", "train.batch_size=256", "train.lr=0.1")
    half = random_images(25_000, side=1)
    images = SearchImages(Batches(half, 256), Batches(half, 256), ("0", "1"), (1, 8, 8), ())
    assert len(images.train) == len(images.validation) == 98
    search = RelativeNAS(make_context("relativenas", *paper, "train.drop_path=0.3", images=images))
    run(search)
    calls = search.estimator.calls
    assert len(calls) == 500 and sum(num for num, _, _ in calls) == 1000
    rates = [lr for _, lr, _ in calls[::10]]
    for generation, expected in {
        0: 0.1,
        1: 0.099902,
        10: 0.090546,
        25: 0.0505,
        40: 0.010454,
        49: 0.001098,
    }.items():
        assert rates[generation] == pytest.approx(expected, abs=5e-7)
    assert calls[0][2] == 0 and calls[-1][2] == pytest.approx(0.294)


@pytest.fixture
def contraction(make_context, fake_weights, monkeypatch):
    """A function (fitness of a position in the unit box, seeds) -> the mean diversity of a population of 20 over the
    seeds, at the start and after 49 updates."""
    monkeypatch.setattr(RelativeNAS, "_decode", lambda self, member: self.positions[member] / self.upper)
    monkeypatch.setattr(RelativeNAS, "_select", lambda self: {"phase": "select"})

    def measure(fitness, seeds):
        fake_weights(fitness)
        ends = []
        for seed in range(seeds):
            words = ("search.population=20", "search.generations=50")
            metrics = run(RelativeNAS(make_context("relativenas", *words, seed=seed)))
            ends.append((metrics[0]["diversity"], metrics[490]["diversity"]))
        starts, finals = zip(*ends, strict=True)
        return statistics.mean(starts), statistics.mean(finals)

    return measure


def test_population_contracts_with_random_fitness(contraction):
    generator = torch.Generator().manual_seed(0)
    start, end = contraction(lambda _: torch.rand(1, generator=generator).item(), 10)
    assert start == pytest.approx(8.85, abs=0.15)
    assert end == pytest.approx(3.60, abs=0.3)


def test_population_contracts_faster_under_selection(contraction):
    """The fitness is the sum of (x / upper - 0.3)^2, of the position itself rather than its genotype."""
    start, end = contraction(lambda x: float(((x - 0.3) ** 2).sum()), 15)
    assert start == pytest.approx(8.85, abs=0.15)
    assert end == pytest.approx(1.76, abs=0.15)


@pytest.mark.parametrize("resumed", [False, True])
def test_the_best_of_the_fast_is_chosen_whatever_the_final_weights_say(make_context, fake_weights, resumed):
    """Who was slow has moved since, and is another architecture than the one that was trained."""
    first, second = (RelativeNAS(make_context("relativenas", "search.generations=2")) for _ in range(2))
    losses = iter([0.1] * 4 + [0.9, 0.3, 0.4, 0.5] + [4.0, 3.0, 2.0, 1.0])
    fake_weights(lambda _: next(losses))
    for _ in range(3):
        first.step()
    (slow, best), (other, last_slow) = first.order.tolist()
    if resumed:
        second.load_state_dict(first.state_dict())
        first = second
    metrics = run(first)
    result = first.result()
    assert metrics[-1]["best"] == best and result.score.value == 0.3
    assert result.genotype == first._decode(best)
    final = {member: 4.0 - member for member in range(4)}
    told = {
        genotype: (
            score.value,
            more["trained_score"] and more["trained_score"]["value"],
            more["final_score"]["value"],
        )
        for genotype, score, more in result.ranked()
    }
    assert list(told)[:2] == [first._decode(best), first._decode(other)]
    for member, trained in ((best, 0.3), (other, 0.4)):
        assert told[first._decode(member)] == (trained, trained, final[member])
    for member in (slow, last_slow):
        assert told[first._decode(member)] == (final[member], None, final[member])


def test_diversity_is_the_mean_distance_to_the_centroid():
    assert diversity(torch.tensor([[0.0, 0.0], [6.0, 8.0]])) == 5.0


def test_random_search_drafts_every_generation_anew_and_keeps_the_last(make_context, fake_weights):
    search = RandomSearch(make_context("random", "search.generations=3"))
    populations = []
    for _ in range(3):
        populations.append(search.positions.clone())
        search.step()
        search.step()
    assert not any(torch.equal(a, b) for a, b in pairwise(populations))
    assert torch.equal(search.positions, populations[-1])
    assert not search.velocities.any()
    search.step()
    assert search.finished


def test_random_search_chooses_among_all_of_the_last_draft(make_context, fake_weights):
    """Nobody moves: who was slow may win."""
    search = RandomSearch(make_context("random", "search.generations=2"))
    losses = iter([0.1] * 4 + [0.5, 0.9, 0.3, 0.4] + [1.0, 2.0, 3.0, 4.0])
    fake_weights(lambda _: next(losses))
    run(search)
    assert [score.value for _, score in search.result().ranking] == [0.3, 0.4, 0.5, 0.9]


def test_both_methods_spend_the_same_budget(make_context, fake_weights):
    spent = {}
    for name, method in (("relativenas", RelativeNAS), ("random", RandomSearch)):
        search = method(make_context(name, "search.population=6", "search.generations=4"))
        run(search)
        spent[name] = search.estimator.calls
    assert spent["relativenas"] == spent["random"]
