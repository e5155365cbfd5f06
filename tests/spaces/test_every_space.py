"""What every space of the registry holds, written once; as properties over masks and points of the encoding's box."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk import registry
from nastk.genotype import parse, to_json
from nastk.networks.counting import count_parameters
from nastk.networks.gates import one_hot
from nastk.report.drawings import describe, draw
from nastk.spaces.mask import Mask
from nastk.spaces.space import Derivable, Encodable, NetworkSize, Space, WithPaths

SPACES = {name: registry.load_space(name) for name in registry.SPACES}
IN_TABLES_ONLY = {"transnas-macro"}  # of no supernet, and no strengths
WITH_PATHS = [name for name, space in SPACES.items() if isinstance(space, WithPaths)]
WITH_NETWORKS = [name for name, entry in registry.SPACES.items() if entry.has_networks]


SEEDS = st.integers(0, 2**32 - 1)


def draw_mask(space, random):
    """All of the space, or of each decision one to three options: many have one only. Something is left."""
    while random.random() < 0.8:
        rows = []
        for decision in space.decisions:
            num = len(decision.options)
            chosen = random.choice(num, min(num, int(random.integers(1, 4))), replace=False)
            rows.append(tuple(sorted(chosen.tolist())))
        try:
            space.check_mask(Mask(tuple(rows)))
        except ValueError:
            continue
        return Mask(tuple(rows))
    return Mask.full(space.decisions)


def draw_architecture(space, mask, random):
    """Of a point of the box, often on the boundary between two choices."""
    codec = space.codec(mask)
    twelfths = random.integers(0, 13, len(codec.upper)) / 12
    share = np.where(random.random(len(codec.upper)) < 0.5, random.random(len(codec.upper)), twelfths)
    vector = np.where(
        random.random(len(codec.upper)) < 0.3, np.round(share * codec.upper), share * codec.upper
    )
    return codec.decode(vector.tolist())


def some(name, num=3):
    """A few architectures of the whole space."""
    random = np.random.default_rng(0)
    return [draw_architecture(SPACES[name], Mask.full(SPACES[name].decisions), random) for _ in range(num)]


@pytest.mark.parametrize("name", SPACES)
def test_what_a_space_has(name):
    space = SPACES[name]
    assert space.name == name
    assert isinstance(space, Space) and isinstance(space, Encodable)
    for protocol in (WithPaths, Derivable):
        assert isinstance(space, protocol) == (name not in IN_TABLES_ONLY)
    assert isinstance(space.published_size, NetworkSize) or name not in WITH_NETWORKS


@pytest.mark.parametrize("name", SPACES)
def test_decisions_differ_in_their_words_and_have_options(name):
    decisions = SPACES[name].decisions
    assert len(set(map(str, decisions))) == len(decisions)
    assert all(len(set(decision.options)) == len(decision.options) > 1 for decision in decisions)


@pytest.mark.parametrize("name", SPACES)
def test_masks_of_options_names(name):
    space = SPACES[name]
    options = {option for decision in space.decisions for option in decision.options}
    assert space.mask_of(None) == space.mask_of(sorted(options)) == Mask.full(space.decisions)
    for names, message in (
        ([], "name at least one operation"),
        (["what", *options], f"unknown operation 'what' in space '{name}'"),
    ):
        with pytest.raises(ValueError, match=rf"^space\.operations: {message}"):
            space.mask_of(names)


@pytest.mark.parametrize("name", SPACES)
@given(seed=SEEDS)
def test_whatever_is_decoded_is_valid_obeys_the_mask_and_comes_back(name, seed):
    space, random = SPACES[name], np.random.default_rng(seed)
    mask = draw_mask(space, random)
    genotype = draw_architecture(space, mask, random)
    assert parse(to_json(genotype))[0] == genotype
    codec = space.codec(mask)
    assert codec.upper == space.codec(Mask.full(space.decisions)).upper
    encoded = codec.encode(genotype)  # which refuses what the mask forbids
    assert all(0 < value < bound for value, bound in zip(encoded, codec.upper, strict=True))
    assert codec.decode(encoded) == genotype
    if isinstance(space, WithPaths):
        assert all(option in mask.allowed[decision] for decision, option in space.path(genotype))


@pytest.mark.parametrize("name", WITH_PATHS)
@settings(max_examples=50)
@given(seed=SEEDS)
def test_what_a_mask_forbids_is_named_by_its_decision(name, seed):
    space, random = SPACES[name], np.random.default_rng(seed)
    genotype = draw_architecture(space, Mask.full(space.decisions), random)
    path = space.path(genotype)
    decision, option = path[random.integers(len(path))]
    others = [other for other in range(len(space.decisions[decision].options)) if other != option]
    codec = space.codec(Mask.full(space.decisions).restrict(decision, others))
    with pytest.raises(ValueError) as caught:
        codec.encode(genotype)
    assert str(caught.value) == f"the genotype is outside the sub-space at {space.decisions[decision]}"


@pytest.mark.parametrize("name", [name for name in SPACES if name not in IN_TABLES_ONLY])
@settings(max_examples=50)
@given(seed=SEEDS)
def test_whatever_strengths_say_is_valid_and_obeys_the_mask(name, seed):
    """With many ties."""
    space, random = SPACES[name], np.random.default_rng(seed)
    mask = draw_mask(space, random)
    strengths = [random.choice([0.0, 0.1, 0.2, 0.7], len(one.options)).tolist() for one in space.decisions]
    genotype = space.derive(mask, strengths)
    assert parse(to_json(genotype))[0] == genotype
    assert all(option in mask.allowed[decision] for decision, option in space.path(genotype))
    space.codec(mask).encode(genotype)


@pytest.mark.parametrize("name", SPACES)
def test_an_architecture_is_written_and_drawn(name):
    space = SPACES[name]
    options = {option for decision in space.decisions for option in decision.options}
    for genotype in some(name, 5):
        cells = space.cells(genotype)
        for title, cell in cells.values():
            assert title
            assert {operation for operation, _, _ in cell.edges} <= options
            assert all(source < node for _, source, node in cell.edges)
        pictures = draw(genotype)
        assert pictures.keys() == cells.keys()
        for picture in pictures.values():
            assert ElementTree.fromstring(picture).tag.endswith("svg")
        assert describe(genotype).strip()
        json.dumps(space.figures(genotype), allow_nan=False)


@pytest.mark.parametrize("name", SPACES)
def test_a_benchmark_s_string_is_recognised_by_its_space_alone(name):
    for genotype in some(name):
        if isinstance(genotype.body, str):
            assert [other for other, space in SPACES.items() if space.recognises(genotype.body)] == [name]


@pytest.mark.parametrize("name", WITH_NETWORKS)
def test_both_networks_run_an_architecture(name):
    """The one for it alone and the one of all; what the first has, the second has of every decision on the path."""
    space, entry = SPACES[name], registry.SPACES[name]
    mask = Mask.full(space.decisions)
    size = {"init_channels": 8, "num_cells": 3, "num_classes": 5, "channels_in": 2, "image_size": (8, 8)}
    torch.manual_seed(0)
    supernet, images = entry.load_supernet()(space, mask, **size), torch.randn(3, 2, 8, 8)
    for genotype in some(name):
        network = entry.load_network()(genotype, **size)
        assert network(images)[0].shape == (3, 5) and network.eval()(images)[1] is None
        gates = one_hot(space.path(genotype), len(space.decisions))
        logits = supernet(images, gates)
        assert logits.shape == (3, 5) and torch.isfinite(logits).all()
        assert 0 < count_parameters(network) < count_parameters(supernet)
        assert set(supernet.path_names(gates)) <= supernet.state_dict().keys()


@pytest.mark.parametrize("name", [name for name in SPACES if name not in WITH_NETWORKS])
def test_a_space_without_networks_says_so(name):
    for load in (registry.SPACES[name].load_network, registry.SPACES[name].load_supernet):
        with pytest.raises(ValueError, match=f"^nastk has no network of space '{name}'"):
            load()
