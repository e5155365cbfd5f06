"""DARTS and P-DARTS on a few images: schedules, stages, what diverges."""

import itertools

import pytest
import torch

from nastk.data.batches import Cycle
from nastk.engine.bilevel import unrolled_gradient
from nastk.methods.darts import DARTS
from nastk.methods.pdarts import PDARTS, choose_level, skip_dropout_rate
from nastk.networks.skip_dropout import SkipDropout
from nastk.registry import load_space

# A quick supernet: a reduction cell with an operation of each kind.
FEW = ("space.operations=[none,skip_connect,dil_conv_3x3]", "network.num_cells=1")
SMALL = (
    "space.operations=[none,max_pool_3x3,skip_connect,dil_conv_3x3]",
    "network.num_cells=2",
    "search.add_cells=[0,1,2]",
    "search.num_operations=[4,3,2]",
    "train.epochs=2",
    "search.warmup_epochs=1",
)


def run(search, steps=None):
    return [search.step() for _ in range(search.num_steps if steps is None else steps)]


@pytest.mark.parametrize("order", [1, 2])
def test_darts_trains_weights_and_alphas_and_ends_in_a_genotype(make_context, order):
    search = DARTS(
        make_context("darts", *FEW, "network.num_cells=2", "train.epochs=2", f"search.order={order}")
    )
    alphas = search.relaxation.alphas.detach().clone()
    weights = [weight.detach().clone() for weight in search.relaxation.optimizer.parameters]
    metrics = run(search)
    assert search.finished
    assert not torch.equal(search.relaxation.alphas, alphas)
    assert (
        sum(torch.equal(a, b) for a, b in zip(weights, search.relaxation.optimizer.parameters, strict=True))
        == 0
    )
    assert metrics[0]["lr"] == 0.1 and "loss" in metrics[-1]
    result = search.result()
    assert len(result.genotype.body.normal) == 8
    assert result.score.value == metrics[-1]["loss"]


def test_the_orders_differ_and_a_warm_up_epoch_leaves_the_alphas_alone(make_context):
    ends = []
    for order in (None, 1, 2):
        search = DARTS(make_context("darts", *FEW))
        start = search.relaxation.alphas.detach().clone()
        search.relaxation.train_epoch(lr=0.05, order=order)
        ends.append(search.relaxation.alphas.detach().clone())
        assert torch.equal(start, ends[-1]) == (order is None)
    assert not torch.equal(ends[1], ends[2])


def test_architecture_steps_go_round_the_validation_images(make_context):
    """From one epoch of weights into the next none is left out."""
    context = make_context("darts", *FEW, "train.batch_size=5")
    search = DARTS(context)
    seen = []

    class Recording(Cycle):
        def __next__(self):
            seen.append(super().__next__()[0])
            return seen[-1], torch.zeros(len(seen[-1]), dtype=torch.int64)

    search.relaxation.held_out.__class__ = Recording
    for _ in range(3):
        search.relaxation.train_epoch(lr=0.05, order=1)
    assert len(seen) == 3 * len(context.images.train) == 12  # 20 training images
    for start in range(0, 12, 3):  # of 12 validation images, in batches of 5, 5, 2
        images = torch.cat(seen[start : start + 3])
        assert len(images) == len({tuple(image.flatten().tolist()) for image in images}) == 12


# The schedule of a stage of 25 epochs, 10 of them warm-up, at 0.7: public code's values.
@pytest.mark.parametrize(
    ("epoch", "rate"),
    [(0, 0.672), (9, 0.42), (10, 0.7), (11, 0.573112), (15, 0.257516), (20, 0.094735), (24, 0.042567)],
)
def test_skip_dropout_rate(epoch, rate):
    assert skip_dropout_rate(0.7, epoch, 25, 10) == pytest.approx(rate, abs=5e-7)


def test_skip_dropout_scales_what_it_keeps():
    dropout = SkipDropout(0.75, torch.Generator().manual_seed(0))
    values = dropout(torch.ones(4000))
    assert set(values.tolist()) == {0.0, 4.0}
    assert values.mean() == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("cell_type", "places"), [(0, 14), (1, 6)])
def test_dropout_stands_after_stride_1_identities_only(make_context, cell_type, places):
    search = DARTS(make_context("darts"))
    supernet, counted = search.relaxation.supernet, []
    gates = search.relaxation._gates(search.relaxation.alphas)
    rows = search.space.of_type(cell_type, gates.rows)
    position = next(i for i, place in enumerate(supernet.places) if place.cell_type == cell_type)
    cell = supernet.cells[position].train()
    place = supernet.places[position]
    side = 8
    s1 = torch.randn(2, place.channels_in[1], side, side)
    s0 = torch.randn(
        2,
        place.channels_in[0],
        side * (2 if place.after_reduction else 1),
        side * (2 if place.after_reduction else 1),
    )
    cell(
        s0,
        s1,
        rows,
        None,
        lambda x: counted.append(1) or x,
    )
    assert len(counted) == places
    counted.clear()
    cell.eval()(
        s0,
        s1,
        rows,
        None,
        lambda x: counted.append(1) or x,
    )
    assert not counted


def test_pdarts_stages_grow_and_lose_operations(make_context):
    search = PDARTS(make_context("pdarts", *SMALL))
    cells, operations, starts = [], [], []
    for stage in range(3):
        cells.append(len(search.relaxation.supernet.cells))
        operations.append({len(row) for row in search.mask.allowed})
        starts.append(search.relaxation.alphas.detach().clone())
        metrics = run(search, 2)
        assert [row["phase"] for row in metrics] == [f"stage {stage + 1}"] * 2
        assert [row["lr"] for row in metrics] == [0.1, 0.05]
    assert cells == [2, 3, 4] and operations == [{4}, {3}, {2}]
    assert not torch.equal(starts[0], starts[1])  # drawn afresh
    result = search.result()
    assert load_space("darts").num_skips(result.genotype) <= 2
    assert {"stage_1", "stage_2", "stage_3", "skips_0"} <= set(result.others)
    masks = [stage["mask"] for stage in result.details["stages"]]
    for before, after in itertools.pairwise(masks):
        assert all(set(late) < set(early) for early, late in zip(before, after, strict=True))


def test_pdarts_warm_up_leaves_the_alphas_alone(make_context):
    search = PDARTS(make_context("pdarts", *SMALL))
    start = search.relaxation.alphas.detach().clone()
    search.step()
    assert torch.equal(search.relaxation.alphas, start)
    search.step()  # trains both; it ends the stage, whose strengths are kept
    assert len({round(value, 9) for value in search.stages[0]["strengths"][0]}) > 1


@pytest.mark.parametrize("order", [1, 2])
def test_only_weight_steps_move_the_running_statistics_twice(make_context, order):
    """The unrolled gradient's own forward passes leave no trace; a first-order step counts as one more pass."""
    search = DARTS(make_context("darts", *FEW))
    norm = search.relaxation.supernet.stem.norm
    means = []
    norm.register_forward_hook(lambda *_: means.append(norm.running_mean.clone()))
    search.relaxation.train_epoch(lr=0.05, order=order)
    steps = len(search.context.images.train)
    assert len(means) == steps * (2 if order == 1 else 5)
    if (
        order == 2
    ):  # the first pass and the weights' own one begin with the same statistics, images and weights
        assert torch.equal(torch.stack(means[0::5]), torch.stack(means[4::5]))
        assert not torch.equal(means[0], means[1])


def test_a_mixture_without_a_finite_loss_is_an_error(make_context):
    search = DARTS(make_context("darts", *FEW))
    with torch.no_grad():
        search.relaxation.supernet.classifier.linear.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="validation loss is not finite"):
        search.relaxation.validate()


@pytest.mark.parametrize(("name", "method", "clips"), [("darts", DARTS, False), ("pdarts", PDARTS, True)])
def test_whose_architecture_gradients_are_clipped(make_context, name, method, clips):
    """Adam's first moments are (1 - beta1) of the gradient that it got."""
    relaxation = method(make_context(name, *(SMALL if clips else FEW), "train.grad_clip=0.5")).relaxation
    gradient = torch.full_like(relaxation.alphas, 2.0)
    expected = 0.5 if clips else float(gradient.norm())
    relaxation._step(gradient)
    (remembered,) = relaxation.alpha_optimizer.memory
    assert float(remembered["mean"].norm()) / 0.5 == pytest.approx(expected, rel=1e-4)


def test_optimisers_have_their_weight_decay(make_context):
    words = ("train.weight_decay=0.01", "search.weight_decay=0.002", "search.lr=0.003", "train.momentum=0.8")
    relaxation = DARTS(make_context("darts", *FEW, *words)).relaxation
    weights, alphas = relaxation.optimizer, relaxation.alpha_optimizer
    assert (weights.weight_decay, weights.momentum) == (0.01, 0.8)
    assert (alphas.weight_decay, alphas.lr, alphas.betas) == (0.002, 0.003, (0.5, 0.999))


def test_an_architecture_that_diverges_is_named(make_context):
    search = DARTS(make_context("darts", *FEW, "search.lr=1e30"))
    with pytest.raises(ValueError, match=r"the architecture parameters diverged; try a smaller search\.lr"):
        run(search)


def test_weights_that_diverge_are_not_the_architecture_s_doing(make_context):
    """They take the parameters along before the loss is looked at."""
    search = DARTS(make_context("darts", *FEW, "train.lr=1e20"))
    with pytest.raises(
        ValueError, match=r"^the loss was not finite .* try a smaller train\.lr or train\.grad_clip$"
    ):
        run(search)


def test_second_order_steps_are_in_full_precision(make_context, monkeypatch):
    """TF32 is off while differences are taken, and on again for the weight steps. (On a CPU it is but a flag.)"""
    precisions = []

    def recording(*arguments, **named):
        precisions.append(torch.get_float32_matmul_precision())
        return unrolled_gradient(*arguments, **named)

    monkeypatch.setattr("nastk.weight_sharing.relaxation.unrolled_gradient", recording)
    search = DARTS(make_context("darts", *FEW))
    search.context.engine.precision = "tf32"
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        search.relaxation.train_epoch(lr=0.05, order=2)
        assert set(precisions) == {"highest"}
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def test_more_skips_than_allowed_are_told(make_context):
    """Where the mask leaves nothing else."""
    words = [word for word in SMALL if not word.startswith("space.operations")]
    words += ["space.operations=[skip_connect]", "search.num_operations=[2,2,2]"]
    search = PDARTS(make_context("pdarts", *words))
    run(search)
    assert search.result().remarks == [
        "8 skips, more than search.max_skips=2: nothing else is left on their edges"
    ]


def test_levels_of_refinement():
    levels = {4: "four", 3: "three", 2: "two", 1: "one", 0: "none"}
    assert choose_level(levels, 2) == "two"
    assert choose_level(levels, None) == "four"
    assert choose_level({1: "one", 0: "none"}, 2) == "one"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("search.add_cells=[0,6]", "every stage needs one entry in each list: search.add_cells has 2"),
        ("search.skip_dropout=[]", "search.skip_dropout has 0"),
        ("search.num_operations=[4,5,8]", "search.num_operations: must not grow"),
        (
            "search.num_operations=[3,3,2]",
            "search.num_operations: the first stage has all 4 operations, not 3",
        ),
        ("search.warmup_epochs=2", "search.warmup_epochs: 2 of 2 epochs"),
    ],
)
def test_lists_that_do_not_fit_are_refused(make_context, word, message):
    with pytest.raises(ValueError) as caught:
        PDARTS(make_context("pdarts", *SMALL, word))
    assert message in str(caught.value)
