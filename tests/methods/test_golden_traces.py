"""Golden traces: the first figures of each method with a fixed seed.

A change that should not change numbers must leave these as they are; the tolerance is for other
processors and PyTorch versions. After a change that should, print the new ones with
`python -m pytest tests/methods/test_golden_traces.py -rP`.
"""

import pytest
import torch

from nastk import registry

TRACES = {
    "relativenas": [0.6927, 0.7048, 0.6997, 0.7192, 0.6942, 0.7052, 0.697, 0.7109, 0.6969],
    "random": [0.6927, 0.7048, 0.6997, 0.7192, 0.6927, 0.7471, 0.6444, 0.6949, 0.6444],
}


@pytest.mark.parametrize("method", TRACES)
def test_golden_trace(make_context, method):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        search = registry.METHODS[method].load()(
            make_context(method, "train.drop_path=0.2", "search.generations=2")
        )
        rows = [search.step() for _ in range(search.num_steps)]
    finally:
        torch.set_num_threads(threads)
    trace = [
        round(row[name], 4) for row in rows for name in ("fast_loss", "slow_loss", "loss") if name in row
    ]
    print(method, trace)
    assert trace == pytest.approx(TRACES[method], rel=2e-3)
