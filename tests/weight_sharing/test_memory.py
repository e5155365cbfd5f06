"""What the largest step of a search is said to take is what its steps really keep."""

import copy
import dataclasses

import pytest
import torch
from graphs import graph_bytes

from nastk import registry
from nastk.engine.memory import PLAIN
from nastk.spaces.cell import DARTS
from nastk.spaces.mask import Mask
from nastk.spaces.nasbench201 import NASBENCH201
from nastk.weight_sharing.memory import PAIR, UNROLLED, depths, mixture_bytes, num_layers, path_bytes

FEW = "space.operations=[max_pool_3x3,skip_connect,sep_conv_3x3,dil_conv_3x3]"
BATCHES = (
    "train.batch_size=10",
    "train.epochs=1",
    "network.num_cells=2",
)  # of 20 training and 12 validation images
STAGES = (
    *("search.warmup_epochs=0", "network.num_cells=2", "search.add_cells=[0,1]"),
    *("search.num_operations=[4,2]", "search.skip_dropout=[0.0,0.4]"),
)


def make(make_context, method, *words):
    return registry.METHODS[method].load()(make_context(method, *BATCHES, *words))


def weight_bytes(search):
    return sum(parameter.nbytes for parameter in search.supernet.parameters())


@pytest.mark.parametrize(
    ("method", "word", "copies"),
    [("darts", "search.order=1", PLAIN), ("darts", "search.order=2", UNROLLED), ("snas", FEW, PLAIN)],
)
def test_a_mixture(make_context, method, word, copies):
    search = make(make_context, method, FEW, word)
    said = search.peak_memory()
    assert said == pytest.approx(
        graph_bytes(search.supernet, search.step) + copies * weight_bytes(search), rel=0.01
    )


def test_stages(make_context):
    """Exact for a mask; of later stages' masks, which nobody knows, the largest is taken."""
    search = make(make_context, "pdarts", FEW, *STAGES)
    said, stages = search.peak_memory(), []
    for num_cells, dropout in ((2, False), (3, True)):
        stages.append(mixture_bytes(search.context, search.mask, num_cells=num_cells, skip_dropout=dropout))
        weights = PLAIN * weight_bytes(search)
        assert stages[-1] == pytest.approx(graph_bytes(search.supernet, search.step) + weights, rel=0.01)
    assert max(stages) < said


@pytest.mark.parametrize("drop_path", [0.0, 0.5])
def test_a_path(make_context, drop_path):
    """Exact for the path that keeps most, the most for any other."""
    words = (f"train.drop_path={drop_path}", "search.population=2", "search.generations=3")
    search = make(make_context, "relativenas", *words)
    graph = search.peak_memory() - PAIR * weight_bytes(search)
    for _ in range(3):
        assert graph_bytes(search.supernet, search.step) < graph
    space, mask = search.context.space, search.context.mask
    deepest = space.derive(mask, depths(space))
    found = graph_bytes(
        search.supernet, lambda: search.estimator.train([deepest], lr=0.1, drop_path=drop_path)
    )
    assert graph == pytest.approx(found, rel=0.01)


def test_paths_of_one_supernet(make_context):
    search = make(make_context, "rsps", "search.candidates=1")
    assert graph_bytes(search.supernet, search.step) + PLAIN * weight_bytes(search) < search.peak_memory()


@pytest.mark.parametrize(("base", "probe"), [("darts", "path"), ("rsps", "path"), ("rsps", "mixture")])
def test_sub_spaces(make_context, base, probe):
    """The base's own step, or the probe's, if that is larger."""
    settings = {"search.base": base, "search.probe": probe}
    words = [f"{name}={value}" for name, value in settings.items()]
    context = make_context("fewshot", *BATCHES, FEW, *words, "search.groups=[2]", "search.rounds=1")
    search = registry.METHODS["fewshot"].load().for_settings(settings)(context)
    streams = context.engine.streams.state_dict().keys()
    said, alone = search.peak_memory(), make(make_context, base, FEW).peak_memory()
    assert context.engine.streams.state_dict().keys() == streams
    assert said >= alone and (said > alone) == (base == "rsps")
    supernet = search.splitter.probe.supernet
    for _ in range(2):
        assert graph_bytes(supernet, search.step) < said


@pytest.mark.parametrize("method", ["darts", "pdarts", "relativenas", "rsps"])
def test_grows_with_the_batch_and_moves_nothing(make_context, method):
    found = []
    for batch_size in (1, 8, 9, 64):
        words = (FEW, f"train.batch_size={batch_size}", *(STAGES if method == "pdarts" else ()))
        search = make(make_context, method, *words)
        before = copy.deepcopy([search.state_dict(), search.context.engine.streams.state_dict()])
        found.append(search.peak_memory())
        after = [search.state_dict(), search.context.engine.streams.state_dict()]
        torch.testing.assert_close(after, before, rtol=0, atol=0)
    one, eight, nine, many = found
    assert one < eight
    assert nine - eight == pytest.approx((many - eight) / 56, rel=0.001)


def test_layers_of_all_that_a_mask_allows():
    """Of sep_conv 4 each, of dil_conv 2; nor_conv is one."""
    assert num_layers(DARTS, DARTS.full_mask()) == 28 * (4 + 4 + 2 + 2)
    assert num_layers(DARTS, DARTS.full_mask().restrict(20, [3, 7])) == 27 * 12 + 2
    assert num_layers(NASBENCH201, Mask(((0, 1), (2,), (2, 3), (4,), (3,), (0, 4)))) == 1 + 2 + 1


def test_of_equal_layers_the_later_decision_of_a_group_is_the_deeper_one():
    assert depths(NASBENCH201) == [[num + edge / 1000 for num in (0, 0, 1, 1, 0)] for edge in range(6)]
    of_types = depths(DARTS)
    assert of_types[:14] == of_types[14:] and of_types[13][4] == 4.013


def test_of_a_space_that_cannot_say_its_deepest_path_nothing_is_said(make_context):
    search = make(make_context, "relativenas")
    context = dataclasses.replace(search.context, space=registry.load_space("transnas-macro"))
    assert path_bytes(context, search.supernet, drop_path=False, copies=PLAIN) is None
