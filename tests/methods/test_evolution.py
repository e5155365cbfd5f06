"""Regularised evolution: who has children, who dies, what a mutation is; over a table and over shared weights."""

import dataclasses
from collections import Counter

import pytest
import torch

from nastk.estimators.estimator import Estimator
from nastk.estimators.score import Score
from nastk.methods.evolution import Evolution
from nastk.populations import estimator_search

SIZES = ("search.population=5", "search.sample_size=3", "search.evaluations=20")


class Fitness(Estimator):
    """Scores that do not change: the first value of the encoding decides, or what `value` says."""

    comparable = True
    network_input = None

    def __init__(self, *_, **__):
        self.trained, self.asked = [], []
        self.value = lambda genotype: float(len(self.trained))

    def train(self, genotypes, *, lr, drop_path):
        self.trained += genotypes
        return [self.score_of(genotype) for genotype in genotypes]

    def score(self, genotype):
        self.asked.append(genotype)
        return self.score_of(genotype)

    def score_of(self, genotype):
        return Score(self.value(genotype), "fitness", "max", "validation", "test", float("nan"), 0.0)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


@pytest.fixture
def search(make_context, monkeypatch):
    monkeypatch.setattr(estimator_search, "SharedWeights", Fitness)

    def build(*words, **named):
        return Evolution(make_context("evolution", *SIZES, *words, **named))

    return build


def run(job):
    return [job.step() for _ in range(job.num_steps - job.num_done)]


def test_the_first_population_is_drawn_and_then_the_oldest_dies(search):
    job = search()
    seen = []
    for born in range(1, 21):
        assert job.step()["phase"] == "search"
        seen.append(job.positions[-1])
        assert len(job.positions) == len(job.scores) == min(born, 5)
        assert torch.equal(job.positions, torch.stack(seen[-5:]))
        assert job.scores[-1]["value"] == born
    assert len(job.estimator.trained) == 20
    assert job.step()["phase"] == "select"
    assert job.finished and job.num_steps == 21


def test_a_child_differs_in_one_value_and_in_its_architecture(search):
    job = search()
    for _ in range(5):
        job.step()
    for _ in range(15):
        before = job.positions.clone()
        job.step()
        changed = (before != job.positions[-1]).sum(dim=1)
        parents = [place for place in range(5) if changed[place] == 1]
        assert parents
        assert any(job._decode(before[place]) != job._decode(job.positions[-1]) for place in parents)


def test_the_best_of_a_sample_has_the_child(search):
    """With a sample as large as the rounds are many, the best of all is nearly always in it."""
    job = search("search.sample_size=200")
    values = iter([1.0, 5.0, 2.0, 5.0, 3.0])
    job.estimator.value = lambda _: next(values)
    for _ in range(5):
        job.step()
    found = Counter(job._choose_parent() for _ in range(100))
    assert set(found) == {1, 3}  # of equals whoever was drawn first
    job = search("search.sample_size=1", "search.evaluations=5")
    run(job)
    found = Counter(job._choose_parent() for _ in range(500))
    assert set(found) == set(range(5)) and max(found.values()) < 150


def test_diverged_candidates_have_no_children(search):
    job = search("search.sample_size=200")
    values = iter([float("nan"), 5.0, float("nan"), float("inf"), 3.0])
    job.estimator.value = lambda _: next(values)
    for _ in range(5):
        job.step()
    assert {job._choose_parent() for _ in range(20)} == {1}


def test_scores_that_move_on_are_asked_for_anew(search):
    job = search()
    job.estimator.comparable = False
    for _ in range(5):
        job.step()
    assert job.estimator.asked == []
    job.step()
    assert 1 <= len(job.estimator.asked) <= 3  # the sample, each of its members once
    run(job)
    last = [job._decode(position) for position in job.positions]
    assert [genotype for genotype, _ in job.result().ranking] == last  # all 20.0: in the order of age


def test_who_is_drawn_twice_is_scored_once(search):
    job = search("search.sample_size=200")
    job.estimator.comparable = False
    for _ in range(6):
        job.step()
    assert len(job.estimator.asked) == 5  # the whole population


def test_a_space_of_one_architecture_comes_to_an_end(search):
    job = search("space.name=nasbench201", "space.operations=[skip_connect]", "search.evaluations=7")
    run(job)
    assert len({genotype for genotype in job.estimator.trained}) == 1


def test_fewer_evaluations_than_individuals_are_refused(search):
    with pytest.raises(
        ValueError, match=r"search\.evaluations: expected at least search\.population \(5\), found 4"
    ):
        search("search.evaluations=4")


def test_on_a_table_the_best_ever_asked_is_the_result(make_context, made_up_table):
    words = ("space.name=nasbench201", "search.estimator=table", f"search.table={made_up_table}")
    sizes = ("data.dataset=cifar10", "search.population=10", "search.sample_size=5", "search.evaluations=300")
    job = Evolution(dataclasses.replace(make_context("evolution", *words, *sizes), load_images=pytest.fail))
    rows = run(job)
    result = job.result()
    assert result.score.value == max(row["accuracy"] for row in rows)
    assert result.score.value >= 97  # of 100; a random one has 79
    assert rows[-1]["queries"] == len(result.ranking) == result.details["queries"] <= 300
    assert [row["queries"] for row in rows] == sorted(row["queries"] for row in rows)


@pytest.mark.parametrize("stopped_at", [1, 4, 7, 8])
def test_resuming_over_a_table_is_exact(make_context, made_up_table, stopped_at):
    """Over shared weights: test_every_method.py."""
    words = ("space.name=nasbench201", "search.estimator=table", f"search.table={made_up_table}")
    whole, first, second = (
        Evolution(make_context("evolution", *words, "data.dataset=cifar10")) for _ in range(3)
    )
    expected = run(whole)
    rows = [first.step() for _ in range(stopped_at)]
    second.load_state_dict(first.state_dict())
    second.context.engine.streams.load_state_dict(first.context.engine.streams.state_dict())
    assert rows + run(second) == expected
    assert second.result() == whole.result()
