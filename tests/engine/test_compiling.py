"""What is compiled: the same numbers as without, each kind of cell once, and nothing anew from step to step."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from nastk import registry
from nastk.archs import load_arch
from nastk.config import resolve
from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.engine import compiling
from nastk.engine.compiling import Compiled, check_compiler, fixed
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.engine.training import initialise
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.drop_path import draw_masks
from nastk.networks.gates import soft, uniform_path
from nastk.networks.nasbench201 import NASBench201Network, NASBench201Supernet
from nastk.networks.regions import Regional
from nastk.networks.skip_dropout import SkipDropout
from nastk.schema import EngineConfig, StandaloneTrainConfig
from nastk.spaces.cell import DARTS
from nastk.spaces.mask import Mask
from nastk.spaces.nasbench201 import NASBENCH201
from nastk.tasks.classification import Classification
from nastk.tasks.training import Training
from nastk.workflows.search import search

# PyTorch's tracing looks at the gradients of all tensors, and without filters it warns of itself.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")

CPU = torch.device("cpu")
SIZE = {"init_channels": 8, "num_classes": 5}
N = 4


class Counted:
    """In place of PyTorch's inductor, which takes minutes: runs what was traced as it is, and counts how often."""

    def __init__(self) -> None:
        self.needing: list[int] = []  # inputs that need gradients, of each

    @property
    def num(self) -> int:
        return len(self.needing)

    def __call__(self, graph: GraphModule, inputs: list[Tensor]) -> Any:
        self.needing.append(sum(x.requires_grad for x in inputs))
        return graph.forward


@pytest.fixture
def counted(monkeypatch):
    backend = Counted()
    monkeypatch.setattr(compiling, "BACKEND", backend)
    return backend


def few(space: Any, *names: str) -> Mask:
    """Only operations of these names."""
    wanted = {space.operations.index(name) for name in names}
    return Mask(tuple(tuple(o for o in row if o in wanted) for row in space.full_mask().allowed))


def mixture(space: Any, mask: Mask, supernet: Any, num_cells: int) -> Any:
    """A supernet, and how a mixture with dropout runs on it; alphas that need a gradient."""

    def call(net: Any, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        shape = len(space.decisions), len(space.operations)
        alphas = torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()
        gates = soft(alphas.softmax(dim=-1), mask)
        return net(images, gates, skip_dropout=SkipDropout(0.4, generator)), alphas

    return supernet(space, mask, num_cells=num_cells, **SIZE), call


def network(net: Any) -> Any:
    def call(net: Any, images: Tensor, generator: torch.Generator) -> tuple[Tensor, None]:
        masks = draw_masks(net.num_drop_paths, len(images), 0.3, generator)
        return net(images, masks)[0], None

    return net, call


# With how many cells differ.
CASES = {
    "cells": lambda: (*network(CellNetwork(load_arch("darts-v2").genotype, num_cells=3, **SIZE)), 3),
    "nasbench201": lambda: (
        *network(NASBench201Network(NASBENCH201.genotype((3, 4, 1, 0, 2, 3)), num_cells=5, **SIZE)),
        3,
    ),
    "mixed cells": lambda: (
        *mixture(DARTS, few(DARTS, "none", "skip_connect", "max_pool_3x3"), CellSupernet, 2),
        2,
    ),
    "mixed nasbench201": lambda: (
        *mixture(NASBENCH201, NASBENCH201.full_mask(), NASBench201Supernet, 4),
        3,
    ),
}


def images_of(num: int, generator: torch.Generator) -> Tensor:
    images = torch.randn(num, 3, 8, 8, dtype=torch.float64, generator=generator)
    return images.contiguous(memory_format=torch.channels_last)


def step(net: Regional, call: Any, num: int, seed: int) -> list[Tensor]:
    """The outputs and all gradients of a step on `num` images."""
    generator = torch.Generator().manual_seed(seed)
    net.zero_grad()
    logits, alphas = call(net, images_of(num, generator), generator)
    logits.square().mean().backward()
    found = [logits.detach(), *(p.grad for p in net.parameters() if p.grad is not None)]
    return found if alphas is None else [*found, alphas.grad]


@pytest.mark.parametrize(
    "case",
    ["nasbench201", *(pytest.param(case, marks=pytest.mark.slow) for case in CASES if case != "nasbench201")],
)
def test_the_numbers_are_the_same_and_like_cells_are_compiled_once(case, counted):
    torch.manual_seed(0)
    net, call, num_places = CASES[case]()
    net = net.double().to(memory_format=torch.channels_last)
    other = copy.deepcopy(net)
    other.compile_cells(lambda region: Compiled(region, N, CPU))
    for seed, num in enumerate((N, N, N - 1)):
        expected, found = (step(one, call, num, seed) for one in (net, other))
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    assert counted.num == num_places  # none for another step's gates and masks, and none for a short batch
    for a, b in zip(net.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-12)
    twin = copy.deepcopy(other)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(0.5)
    assert not step(twin, call, N, 0)[0].equal(
        step(other, call, N, 0)[0]
    )  # a copy computes with its own weights
    generator = torch.Generator()
    call(other.eval(), images_of(N, generator), generator)
    assert counted.num == num_places


def test_a_path_runs_as_it_is(counted):
    """It would be another compilation at every step."""
    mask = NASBENCH201.full_mask()
    net = NASBench201Supernet(NASBENCH201, mask, num_cells=3, **SIZE)
    net.compile_cells(lambda region: Compiled(region, N, CPU))
    net(torch.randn(N, 3, 8, 8), uniform_path(mask, torch.Generator()))
    assert counted.num == 0


def test_a_search_compiles_both_kinds_of_steps(make_context, counted):
    """Weight steps, and architecture steps, in which no gradient by the weights is computed."""
    words = ("space.name=nasbench201", "space.operations=[none,skip_connect,nor_conv_1x1]", "search.order=1")
    eager, compiled = (
        registry.METHODS["darts"].load()(make_context("darts", *words, f"engine.compile={word}"))
        for word in ("false", "true")
    )
    counted.needing.clear()  # what was compiled to see whether it can be
    losses = [search.step()["train_loss"] for search in (eager, compiled)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert counted.num == 2 * 3  # cells, of which no two are alike
    torch.testing.assert_close(compiled.relaxation.alphas, eager.relaxation.alphas, rtol=1e-3, atol=1e-6)
    with_weights = sorted(needing > 2 for needing in counted.needing)  # 2: the input and the gates
    assert with_weights == [False] * 3 + [True] * 3
    assert all(parameter.requires_grad for parameter in compiled.supernet.parameters())


def test_what_is_fixed_needs_gradients_again_whatever_happens():
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)
    with pytest.raises(KeyError), fixed(layer):
        assert not any(parameter.requires_grad for parameter in layer.parameters())
        raise KeyError
    assert [parameter.requires_grad for parameter in layer.parameters()] == [True, False]


def test_searches_that_train_paths_refuse(monkeypatch):
    """In one line, before there are images or a compiler."""
    monkeypatch.setattr(compiling, "BACKEND", "none such")
    config = resolve("search", "relativenas", "quick", ["engine.compile=true", "engine.device=cpu"])
    with pytest.raises(ValueError, match=r"^engine\.compile: method relativenas trains other operations .*$"):
        search(config, lambda: pytest.fail("it began"), Progress())


def test_a_network_that_does_not_say_what_is_compiled():
    class Plain(Regional):
        pass

    with pytest.raises(ValueError, match=r"^engine\.compile: the networks of this space .*$"):
        Plain().compile_cells(lambda _: pytest.fail("it was compiled"))


def test_where_there_is_no_compiler(monkeypatch):
    def none(_graph: GraphModule, _inputs: list[Tensor]) -> Any:
        raise RuntimeError("no working compiler found\nin any of these places")

    monkeypatch.setattr(compiling, "BACKEND", none)
    engine = Engine(EngineConfig(device="cpu", compile=True), 0)
    check_compiler.cache_clear()
    with pytest.raises(
        ValueError, match=r"^engine\.compile: .* needs a C\+\+ compiler: .*no working.*$"
    ) as error:
        engine.compiled(lambda x: x, N)
    assert "\n" not in str(error.value)


def test_where_torch_is_too_old(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda model, *, dynamic=None: model)
    with pytest.raises(ValueError, match=r"^engine\.compile: PyTorch .* cannot keep .*$"):
        check_compiler.__wrapped__(CPU)


@pytest.mark.slow
def test_without_a_cpp_compiler(tmp_path):
    """The real one, in a process that has none, is found out at once."""
    code = (
        "import torch; from nastk.engine.compiling import check_compiler; check_compiler(torch.device('cpu'))"
    )
    settings = os.environ | {"CXX": "none-such", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1].startswith("ValueError: engine.compile: PyTorch cannot compile here")


@pytest.mark.slow
def test_compiled_for_the_cpu_it_resumes_exactly(random_images):
    """By inductor: after the first epoch near what is not compiled, and from a checkpoint on bit for bit the same."""

    def begin(compile: bool) -> Training:
        engine = Engine(EngineConfig(device="cpu", compile=compile), 0)
        net = NASBench201Network(NASBENCH201.genotype((3, 4, 1, 0, 2, 3)), num_cells=3, channels_in=1, **SIZE)
        initialise(net, engine.streams["initialisation"])
        images = random_images(2 * N + 2, num_classes=5)
        batches = Batches(images, N, augmentation=Augmentation(1, True, 2), shuffle=True)
        config = StandaloneTrainConfig(epochs=2, batch_size=N, lr=0.01)
        task = Classification(images, config, engine)
        return Training(engine.place(net), task, batches, Batches(images, N), config, engine, compile=compile)

    job, eager = begin(True), begin(False)
    assert job.step()["train_loss"] == pytest.approx(eager.step()["train_loss"], rel=1e-3)
    state, streams = copy.deepcopy((job.state_dict(), job.engine.streams.state_dict()))
    last = job.step()
    other = begin(True)
    other.load_state_dict(state)
    other.engine.streams.load_state_dict(streams)
    assert other.step() == last
    for name, tensor in job.network.state_dict().items():
        assert other.network.state_dict()[name].equal(tensor)
