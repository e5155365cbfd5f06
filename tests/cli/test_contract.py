"""What scripts and users depend on: flags, names, JSON keys, exit codes, streams; and no torch for help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command_lines import EVALUATE, SEARCH

from nastk import __version__, cli
from nastk.registry import METHODS, TASKS

COMMON = {
    *("dataset", "data-dir", "preset", "config", "run-dir", "resume", "seed", "device", "plain", "quiet"),
}
FLAGS = {
    "search": COMMON | {"method", "space"},
    "evaluate": COMMON | {"arch", "weights"},
    "transfer": COMMON | {"task", "arch", "weights"},
    "predict": {"top", "json"},
    "export": {"weights", "format", "out"},
    "rank": {"dataset", "json"},
    "report": {"out"},
    "latency": {"space", "out"},
    "show": {"json", "svg", "stem", "init-channels", "num-cells", "num-classes"},
    "list": {"json"},
    "config": {"method", "preset"},
}
LISTS = ["methods", "spaces", "datasets", "tasks", "archs", "presets"]


def test_flags_are_frozen():
    """A flag that is here stays. A new one is for what is no KEY=VALUE."""
    found = {
        name: {
            option.removeprefix("--")
            for parameter in command.params
            if isinstance(parameter, click.Option)
            for option in parameter.opts
        }
        for name, command in cli.nastk.commands.items()
    }
    assert {name: found[name] for name in FLAGS} == FLAGS


def test_no_torch_for_help_and_lists():
    """One process, all of it: importing torch takes seconds."""
    lines = [[], ["--help"], ["-h"], ["--version"], *([name, "--help"] for name in FLAGS)]
    lines += [["list", what, *flag] for what in LISTS for flag in ([], ["--json"])]
    lines += [["serch"], ["search", "--no"], ["search"], ["list", "archs", "x"]]
    code = (
        "import json, sys, nastk.cli\n"
        f"codes = [nastk.cli.run(line) for line in {lines!r}]\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'PIL', 'safetensors'} & set(sys.modules)\n"
        "print(json.dumps([codes, sorted(heavy)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    codes, heavy = json.loads(done.stdout.splitlines()[-1])
    assert codes == [0] * (len(lines) - 4) + [2] * 4
    assert heavy == []


def test_the_process_itself():
    """`python -m nastk`: exit codes, streams, and a reader of stdout that leaves."""
    command = [sys.executable, "-m", "nastk"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"nastk, version {__version__}\n", "")
    done = subprocess.run([*command, "lst"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: No such command 'lst'") and done.stderr.count("\n") == 1

    for line in (["list", "archs"], ["--help"], ["config", "search"]):
        reading, writing = os.pipe()
        os.close(reading)
        process = subprocess.Popen([*command, *line], stdout=writing, stderr=subprocess.PIPE, text=True)
        os.close(writing)
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, ""), line


@pytest.mark.slow
def test_interrupted_process(tmp_path):
    """With a real process group, as a terminal has it: workers do not complain, the code is 130."""
    import signal
    import time

    process = subprocess.Popen(
        [sys.executable, "-m", "nastk", *SEARCH, "search.generations=100000", "--run-dir", "run"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not (tmp_path / "run/metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "Stopped by SIGINT. To continue: nastk search --resume run"


def test_help_names_every_command(nastk):
    code, out, err = nastk()
    assert (code, err) == (0, "")
    assert all(f"\n  {name} " in out for name in FLAGS)
    assert nastk("--help") == nastk("-h") == (code, out, err)


@pytest.mark.parametrize("what", LISTS)
def test_lists(what, nastk):
    code, out, err = nastk("list", what)
    assert (code, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()]
    assert names == sorted(names)
    table = json.loads(nastk("list", what, "--json").out)
    assert list(table) == names
    assert all(help_ and "\n" not in help_ for help_ in table.values())


def test_names_that_stay(nastk):
    def listed(what: str) -> set[str]:
        return set(json.loads(nastk("list", what, "--json").out))

    assert listed("methods") >= {"relativenas", "random"}
    assert listed("spaces") >= {"darts", "relativenas", "nasbench201"}
    assert listed("datasets") >= {"digits", "cifar10", "cifar100", "fashion-mnist"}
    assert listed("tasks") >= {"cifar10", "cifar100", "fashion-mnist", "data"}
    assert listed("archs") >= {"relativenas-cifar10", "pdarts-cifar10", "darts-v1", "darts-v2"}
    owners = ["search", "evaluate", "transfer", *METHODS]
    assert listed("presets") >= {
        f"{owner}/{name}" for owner in owners for name in ("quick", "small", "paper")
    }
    assert set(TASKS) == listed("tasks")


SIZES = [
    ("relativenas-cifar10", [], 3928222, None, 616832640),
    ("relativenas-cifar10", ["--num-classes", 100], 3980152, None, None),
    ("relativenas-cifar10", ["--stem", "imagenet", 46, 14], 5050029, None, 562973760),
    ("darts-v1", [], 3169414, 3645840, 500987520),
    ("darts-v2", [], 3349342, None, 528359040),
    ("pdarts-cifar10", [], 3433798, None, 532174464),
    ("darts-v1", ["--stem", "imagenet", 48, 14], 4510432, None, None),
    ("darts-v2", ["--stem", "imagenet", 48, 14], 4718752, None, None),
    ("pdarts-cifar10", ["--stem", "imagenet", 48, 14], 4944352, None, None),
]


@pytest.mark.parametrize(("arch", "flags", "params", "with_auxiliary", "macs"), SIZES)
def test_show_json(arch, flags, params, with_auxiliary, macs, nastk):
    """The published networks, to the parameter and the multiply-accumulate."""
    if len(flags) == 4:
        flags = [*flags[:2], "--init-channels", flags[2], "--num-cells", flags[3], "--num-classes", 1000]
    code, out, err = nastk("show", arch, "--json", *flags)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found) == [
        *("name", "space", "normal", "reduce", "concat", "stem", "init_channels", "num_cells"),
        *("num_classes", "params", "params_with_auxiliary", "macs", "image_shape"),
    ]
    assert (found["name"], found["params"]) == (arch, params)
    assert macs in (None, found["macs"])
    assert with_auxiliary in (None, found["params_with_auxiliary"])


def test_show(nastk, finished_runs):
    code, out, err = nastk("show", "darts-v1", "--svg", "cell.svg")
    assert code == 0
    assert "normal cell\n" in out and "reduction cell\n" in out
    assert out.splitlines()[-1] == (
        "darts-v1: 3,169,414 parameters (3,645,840 with the auxiliary head), 500,987,520 MACs "
        "(cifar stem, 36 channels, 20 cells, 10 classes)"
    )
    assert err == "wrote cell_normal.svg\nwrote cell_reduce.svg\n"
    assert sorted(os.listdir()) == ["cell_normal.svg", "cell_reduce.svg"]
    run = finished_runs["search"]
    found = [json.loads(nastk("show", arch, "--json").out) for arch in (run, run / "genotype.json")]
    del found[0]["searched_network"]  # which the file does not know of
    assert found[0] | {"name": ""} == found[1] | {"name": ""}
    summary = json.loads((run / "summary.json").read_text())
    # of a grey image of 8x8: the stem sees one channel and the network a sixteenth of the pixels
    assert found[0]["params"] - summary["params"] == 2 * 9 * 3 * 36


def test_show_of_runs_tells_whose_network_it_is(nastk, finished_runs):
    """Of an evaluation the trained one; of a search that of publications and the one that was searched with."""
    run = finished_runs["evaluate"]
    summary = json.loads((run / "summary.json").read_text())
    found = json.loads(nastk("show", run, "--json").out)
    assert (found["params"], found["macs"]) == (summary["params"], summary["macs"])
    assert (found["init_channels"], found["num_cells"], found["image_shape"]) == (2, 3, [1, 8, 8])
    assert nastk("show", run).out.splitlines()[-1].endswith("3 cells, 10 classes, images of 1x8x8)")
    assert json.loads(nastk("show", run, "--json", "--num-classes", 5).out)["num_classes"] == 5
    run = finished_runs["search"]
    summary = json.loads((run / "summary.json").read_text())
    assert {summary[key] == summary["network"][key] for key in ("params", "macs")} == {True}
    assert (summary["network"]["init_channels"], summary["network"]["num_cells"]) == (36, 20)
    assert (summary["searched_network"]["init_channels"], summary["searched_network"]["num_cells"]) == (2, 3)
    published, searched = nastk("show", run).out.splitlines()[-2:]
    assert "(cifar stem, 36 channels, 20 cells, 10 classes)" in published
    assert searched.startswith(f"as it was searched: {summary['searched_network']['params']:,} parameters")


def test_show_of_nasbench201(nastk):
    """In the benchmark's size, 16 channels and 15 cells; one cell, so one picture."""
    arch = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
    found = json.loads(nastk("show", arch, "--json").out)
    assert list(found) == [
        *("name", "space", "arch", "stem", "init_channels", "num_cells", "num_classes"),
        *("params", "params_with_auxiliary", "macs", "image_shape"),
    ]
    assert (found["arch"], found["init_channels"], found["num_cells"]) == (arch, 16, 15)
    assert (found["params"], found["macs"]) == (802_426, 113_951_360)
    code, out, err = nastk("show", arch, "--svg", "cell.svg", "--num-cells", 3, "--init-channels", 4)
    assert (code, err) == (0, "wrote cell.svg\n")
    assert out.splitlines()[-1].endswith("(cifar stem, 4 channels, 3 cells, 10 classes)")
    for flags, message in (
        (["--num-cells", 2], "network.num_cells: space 'nasbench201' needs at least 3, found 2"),
        (["--stem", "imagenet"], "network.stem: space 'nasbench201' has the cifar stem only, not imagenet"),
    ):
        assert nastk("show", arch, *flags) == (2, "", f"Error: {message}\n")


def test_stdout_is_data(nastk):
    code, out, err = nastk(*SEARCH, "search.generations=1", "--run-dir", "search")
    assert code == 0
    assert Path("search/result.txt").read_text() == out
    assert out.startswith("normal cell\n") and "\nreduction cell\n" in out
    assert out.splitlines()[-1].startswith("validation cross_entropy ")
    rows = err.splitlines()
    assert rows[:3] == [
        "data set: digits, which come with nastk (--dataset chooses another)",
        "preset: quick (made for the digits; --preset chooses another)",
        "data: 40 of 1,437 images (data.max_train) of 10 classes (0, 1, ... 9), 8x8 grey; 20 for weights, "
        "20 to choose by",
    ]
    assert re.fullmatch(r"time: about .+: 2 steps of about .+ \(measured on one batch\)", rows[3])
    assert re.fullmatch(r"memory: about \d+ MiB for a step on 16 images \(train\.batch_size\)", rows[4])
    assert rows[5] == "run directory: search (cpu, 1 thread, seed 0)"
    assert rows[-3].startswith("step 2/2  phase select  best ")
    assert rows[-2:] == [
        "pictures: search/cell_normal.svg, search/cell_reduce.svg",
        "next: nastk evaluate --arch genotype.json",
    ]
    code, out, err = nastk(*EVALUATE, "train.epochs=1", "--run-dir", "evaluate", "--quiet")
    assert code == 0
    accuracy, more = out.splitlines()
    assert accuracy.startswith("test accuracy ")
    assert re.fullmatch(
        r"balanced accuracy \d+\.\d\d %, top-5 \d+\.\d\d %, calibration error \d+\.\d %", more
    )
    assert err == ""
    assert Path("evaluate/result.txt").read_text() == out


@pytest.mark.parametrize("cuda", [True, False])
def test_preset_without_one(cuda, nastk, write_npz, monkeypatch):
    """quick for the digits; else paper on CUDA, small on the CPU; said in one line."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    monkeypatch.setattr("nastk.workflows.driving.drive", _stop)
    write_npz(per_class=200)
    for device, preset in (("auto", "paper" if cuda else "small"), ("cpu", "small")):
        words = ["--dataset", "set.npz", "--device", device, "--run-dir", device, "network.num_cells=2"]
        if device == "auto" and cuda:  # of which there is none here
            words.append("engine.precision=fp16")
        err = nastk("search", "--method", "random", *words).err
        assert err.count("preset: ") == 1 and f"preset: {preset} (" in err


def _stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_flags_have_the_last_word(nastk, monkeypatch):
    monkeypatch.setattr("nastk.workflows.driving.drive", _stop)
    flags = ["--seed", 3, "--dataset", "digits", "--device", "cpu", "--space", "darts"]
    words = ["run.seed=1", "data.dataset=x.npz", "engine.device=cuda", "space.name=relativenas"]
    assert nastk(*SEARCH[:3], *flags, *words, "network.num_cells=2", "--run-dir", "run").code == 130
    text = Path("run/config.yaml").read_text()
    for line in ("seed: 3 ", "dataset: digits ", "device: cpu ", "name: darts "):
        assert f"  {line}" in text


def test_words_that_look_like_flags(nastk):
    code, _, err = nastk("search", "--method", "random", "--epochs", "3")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("Error: No such option")
