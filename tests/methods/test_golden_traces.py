"""Golden traces: the first figures of each method with a fixed seed.

A change that should not change numbers must leave these as they are; the tolerance is for other
processors and PyTorch versions. After a change that should, print the new ones with
`python -m pytest tests/methods/test_golden_traces.py -rP`.
"""

import pytest
import torch

from nastk import registry

PAIRS = ("train.drop_path=0.2", "search.generations=2")
# One operation of each kind; steps so small that rounding stays rounding, on batches of one size.
RELAXED = (
    *("space.operations=[none,max_pool_3x3,skip_connect,dil_conv_3x3]", "search.lr=0.01"),
    *("train.epochs=2", "train.lr=0.02", "train.batch_size=10"),
)
STAGES = (
    *("search.warmup_epochs=1", "network.num_cells=2", "search.add_cells=[0,1]"),
    *("search.num_operations=[4,2]", "search.skip_dropout=[0.1,0.4]"),
)
CASES = {
    "relativenas": ("relativenas", PAIRS),
    "random": ("random", PAIRS),
    "evolution": ("evolution", ("train.drop_path=0.2",)),
    "darts, first order": ("darts", (*RELAXED, "search.order=1")),
    "darts, second order": ("darts", (*RELAXED, "search.order=2")),
    "pdarts": ("pdarts", (*RELAXED, *STAGES)),
}
FIGURES = ("fast_loss", "slow_loss", "train_loss", "loss")
TRACES = {
    "relativenas": [0.6927, 0.7048, 0.6997, 0.7192, 0.6942, 0.7052, 0.697, 0.7109, 0.6942],
    "random": [0.6927, 0.7048, 0.6997, 0.7192, 0.6927, 0.7471, 0.6444, 0.6949, 0.6444],
    "evolution": [0.6952, 0.7141, 0.6841, 0.7298, 0.8467, 0.7053, 0.8921, 0.7017, 0.6923],
    "darts, first order": [0.6879, 0.6983, 0.7171],
    "darts, second order": [0.6882, 0.696, 0.6966],
    "pdarts": [0.8283, 0.7615, 0.694, 0.88, 0.7327, 0.6914],
}


@pytest.mark.parametrize("case", CASES)
def test_golden_trace(make_context, case):
    method, words = CASES[case]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        search = registry.METHODS[method].load()(make_context(method, *words))
        rows = [search.step() for _ in range(search.num_steps)]
    finally:
        torch.set_num_threads(threads)
    trace = [round(row[name], 4) for row in rows for name in FIGURES if name in row]
    print(case, trace)
    assert trace == pytest.approx(TRACES[case], rel=2e-3)
