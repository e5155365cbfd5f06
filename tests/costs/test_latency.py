"""Latency tables: measured, written, read back, and refused where they are none."""

import json

import pytest
import torch

from nastk import registry
from nastk.costs.latency import LatencyTable
from nastk.engine.device import Engine
from nastk.networks.blocks import NetworkSettings
from nastk.schema import EngineConfig
from nastk.workflows.latency import building_blocks, measure_latency, write_table


class Silent:
    def note(self, line):
        pass


@pytest.fixture(scope="module")
def blocks():
    return building_blocks(registry.load_space("nasbench201"), NetworkSettings(8, 3, 2, 3, (8, 8)))


def test_every_kind_of_block_is_measured_once(blocks, tmp_path, monkeypatch):
    monkeypatch.setattr("nastk.costs.latency.SAMPLE_S", 1e-5)
    table = LatencyTable.measure(blocks, Engine(EngineConfig(device="cpu", threads=1), 0))
    kinds = list(dict.fromkeys(block.kind for block in blocks))
    assert list(table.blocks) == kinds
    assert all(row["ms"] > 0 and row["spread_ms"] >= 0 and row["runs"] >= 25 for row in table.blocks.values())
    assert (
        table.about["threads"] == 1
        and table.about["versions"]["torch"] == torch.__version__.partition("+")[0]
    )
    write_table(tmp_path / "new" / "table.json", table)
    assert LatencyTable.read(tmp_path / "new" / "table.json") == table
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["table.json"]
    assert table.milliseconds(blocks[0]) == table.blocks[blocks[0].kind]["ms"]
    with pytest.raises(
        ValueError, match=r"^limits\.latency_table: it does not have the block 'plain stem to 8 of 3x8x8'"
    ):
        LatencyTable({}, {}).milliseconds(blocks[0])


GOOD = {"format": "nastk-latency", "version": 1, "about": {}, "blocks": {"a": {"ms": 1.5}}}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "cannot be read as a latency table: no JSON"),
        ("[" * 5000, "cannot be read as a latency table: no JSON: too many brackets"),
        ("[]", "is no latency table of nastk"),
        (json.dumps(GOOD | {"version": 2}), "is no latency table of nastk"),
        (json.dumps(GOOD | {"blocks": []}), "blocks: expected an object"),
        (json.dumps(GOOD | {"blocks": {"a": 1}}), "blocks: 'a': expected"),
        (json.dumps(GOOD | {"blocks": {"a": {"ms": -1}}}), "blocks: 'a': expected"),
        (json.dumps(GOOD | {"blocks": {"a": {"ms": True}}}), "blocks: 'a': expected"),
        (json.dumps(GOOD).replace("1.5", "NaN"), "no JSON: NaN is no number"),
    ],
)
def test_what_is_no_table(text, error, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="^" + str(path)) as caught:
        LatencyTable.read(path)
    assert error in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="cannot be read as a latency table: No such file"):
        LatencyTable.read(tmp_path / "y.json")


def test_what_the_command_refuses(tmp_path):
    for words, error in (
        (["train.lr=1"], r"^train\.lr: nastk latency takes limits\.init_channels"),
        (["limits.image_size=10"], "images of 10x10 pixels do not fit"),
        (["limits.init_channels=0"], r"^limits\.init_channels"),
    ):
        with pytest.raises(ValueError, match=error):
            measure_latency("darts", words, tmp_path / "x.json", Silent())
    with pytest.raises(ValueError, match="nastk has no network of space 'transnas-micro'"):
        measure_latency("transnas-micro", [], tmp_path / "x.json", Silent())
    with pytest.raises(ValueError, match="cannot be written"):
        write_table(tmp_path / "file" / "x.json", (tmp_path / "file").touch() or LatencyTable({}, {}))
