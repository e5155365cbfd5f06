"""The Python face: the page's code, the command line's files and errors, and nothing global left changed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import nastk
from nastk import cli
from nastk.run import RunError

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
TRAINING = {
    "network.init_channels": 8,
    "network.num_cells": 1,
    "train.batch_size": 8,
    "data.max_train": 24,
    "train.epochs": 1,
}
TINY = TRAINING | {
    "search.population": 2,
    "search.generations": 1,
    "space.operations": ["skip_connect", "dil_conv_3x3"],
}


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_photos(folder: Path, seed: int) -> None:
    """Two classes of noise, 8 x 8, dark cats and bright dogs."""
    random = np.random.default_rng(seed)
    for split, num in (("train", 8), ("test", 4)):
        for name, low in (("cat", 0), ("dog", 128)):
            (folder / split / name).mkdir(parents=True)
            for number in range(num):
                pixels = random.integers(low, low + 128, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")


@pytest.fixture
def photos() -> str:
    write_photos(Path("photos"), 0)
    return "photos/"


def small_search(run_dir: str, **named):
    return nastk.search("relativenas", preset="quick", settings=TINY, run_dir=run_dir, **named)


def test_the_code_of_the_page(photos, monkeypatch, capsys):
    """As it stands, but with settings of a test."""
    write_photos(Path("more-photos"), 1)
    Image.new("RGB", (40, 30)).save("cat.jpg")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    monkeypatch.setattr(nastk, "search", with_settings(nastk.search, TINY), raising=False)
    for name in ("evaluate", "transfer"):
        monkeypatch.setattr(nastk, name, with_settings(getattr(nastk, name), TRAINING), raising=False)
    names: dict = {}
    exec(compile(code, "docs/python.md", "exec"), names)
    assert capsys.readouterr().out.count("\n") >= 3  # what the page prints itself
    assert (names["found"].path, names["again"].genotype) == (Path("runs/a"), names["found"].genotype)
    assert names["found"].config.search.population == names["again"].config.search.population
    assert names["net"].shape == (3, 8, 8) and not names["net"].training
    assert sum(share for _, share in names["net"].predict("cat.jpg")) == pytest.approx(1)
    assert 'CLASSES = ("cat", "dog")' in Path("photos.py").read_text()
    assert names["prediction"].path == "cat.jpg" and len(names["prediction"].classes) == 1
    assert 0 <= names["moved"].test_accuracy <= 100


def with_settings(function, settings):
    def call(*arguments, **named):
        return function(
            *arguments, **named | {"settings": named.get("settings", {}) | settings, "preset": "quick"}
        )

    return call


def test_importing_costs_no_torch():
    code = (
        "import sys, time; begun = time.process_time(); import nastk; print(dir(nastk)); "
        "assert nastk.__version__; sys.exit('torch' in sys.modules or 'nastk.api' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
    with pytest.raises(AttributeError, match="module 'nastk' has no attribute 'serach'"):
        _ = nastk.serach


def test_a_search_and_the_command_line_leave_the_same(capsys):
    told, steps = [], []
    found = small_search("here", note=told.append, progress=lambda *step: steps.append(step))
    words = [f"{key}={json.dumps(value)}" for key, value in TINY.items()]
    search = ["search", "--method", "relativenas", "--preset", "quick", "--run-dir", "there"]
    assert cli.run([*search, *words]) == 0
    err = capsys.readouterr().err
    assert [step[:2] for step in steps] == [(1, 2), (2, 2)]
    assert [line.replace("here", "there") for line in told if not line.startswith("time: ")] == [
        line for line in err.splitlines() if not line.startswith(("step ", "pictures:", "next:", "time: "))
    ]
    assert any(line.startswith("time: about ") for line in told)
    for name in ("config.yaml", "genotype.json", "ranking.json", "cell_normal.svg"):
        assert Path("here", name).read_bytes() == Path("there", name).read_bytes()
    assert sorted(os.listdir("here")) == sorted(os.listdir("there"))
    assert not {"genotype.1.json"} & set(os.listdir()), (
        "only the command line writes into the working directory"
    )
    assert found.score.value == json.loads(Path("there/summary.json").read_text())["score"]["value"]
    assert found.ranking[0][0] == found.genotype
    assert [row["step"] for row in found.metrics] == [1, 2]


def test_a_run_again_by_its_configuration(photos):
    once = small_search("a", dataset=photos)
    again = nastk.search(config="a/config.yaml", run_dir="b")
    assert again.ranking == once.ranking
    assert Path("b/config.yaml").read_bytes() == Path("a/config.yaml").read_bytes()

    first = nastk.evaluate(once, preset="quick", settings=TRAINING, run_dir="c")
    more = nastk.evaluate(weights=first.weights, preset="quick", settings=TRAINING, run_dir="d")
    same = nastk.evaluate(config=more.path / "config.yaml", run_dir="e")  # from the same weights
    assert same.weights.read_bytes() == more.weights.read_bytes() != first.weights.read_bytes()
    moved = nastk.transfer("data", once, dataset=photos, preset="quick", settings=TRAINING, run_dir="f")
    longer = nastk.transfer(config="f/config.yaml", settings={"train.epochs": 2}, run_dir="g")
    assert longer.genotype == moved.genotype and len(longer.metrics) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nastk.search("relativnas"), "unknown method 'relativnas'; did you mean 'relativenas'?"),
        (lambda: nastk.search(), "--method is missing; known: darts"),
        (lambda: nastk.search("random", config="nowhere.yaml"), "nowhere.yaml: No such file or directory"),
        (lambda: nastk.transfer(), "--task is missing; known: "),
        (lambda: nastk.search("random", settings={"search.populaton": 2}), "unknown key 'search.populaton'"),
        (lambda: nastk.search("random", settings={"search.population": "two"}), "expected an integer"),
        (lambda: nastk.search("random", dataset="nowhere/"), "nowhere"),
        (lambda: nastk.evaluate("nothing"), "unknown architecture 'nothing'"),
        (lambda: nastk.transfer("cifar1000", "darts-v2"), "unknown task 'cifar1000'"),
        (lambda: nastk.open("nowhere"), "nowhere is no run directory"),
        (lambda: nastk.load("nowhere"), "nowhere: cannot be read"),
        (lambda: nastk.predict("nowhere", "cat.jpg"), "nowhere: cannot be read"),
        (lambda: nastk.predict("nowhere", "cat.jpg", top=0), "top: expected at least 1, found 0"),
        (lambda: nastk.export("darts-v2", format="onx"), "unknown format 'onx'; did you mean 'onnx'?"),
        (lambda: nastk.export("nowhere", format="python"), "unknown architecture 'nowhere'"),
        (lambda: nastk.rank("a.npz", "b.npz:c"), "a.npz"),
    ],
)
def test_errors_are_the_command_lines(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_an_interrupted_search_goes_on_exactly():
    whole = small_search("whole")

    def interrupt(step, num_steps, figures):
        if step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        small_search("stopped", progress=interrupt)
    stopped = nastk.open("stopped")
    assert not stopped.finished and len(stopped.metrics) == 1
    with pytest.raises(ValueError, match=r"^stopped is not finished: nastk search --resume stopped$"):
        _ = stopped.genotype
    again = stopped.resume()
    assert again.ranking == whole.ranking
    assert stopped.resume().ranking == whole.ranking  # of a finished one there is nothing to do
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_global_is_left_changed():
    def state():
        return (
            torch.get_num_threads(),
            torch.get_float32_matmul_precision(),
            torch.backends.cudnn.allow_tf32,
            signal.getsignal(signal.SIGINT),
            signal.getsignal(signal.SIGTERM),
            os.getcwd(),
            dict(os.environ),
            torch.random.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(),
        )

    torch.set_num_threads(2)
    try:
        before = state()
        found = nastk.search("random", preset="quick", settings=TINY | {"engine.threads": 1}, run_dir="run")
        assert found.summary["device"] == "cpu, 1 thread"
        with pytest.raises(ValueError):
            nastk.search("random", preset="quick", settings=TINY | {"train.lr": 1e30}, run_dir="diverges")
        assert state() == before
    finally:
        torch.set_num_threads(1)


def test_two_searches_in_threads_do_not_disturb_each_other():
    alone = [small_search(f"alone-{seed}", seed=seed) for seed in (0, 1)]
    found = {}

    def run(seed: int) -> None:
        found[seed] = small_search(f"thread-{seed}", seed=seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[seed].ranking for seed in (0, 1)] == [search.ranking for search in alone]
    assert alone[0].ranking != alone[1].ranking


def test_one_directory_has_one_search_at_a_time():
    def begin_another(step, num_steps, figures):
        if step == 1:
            with pytest.raises(RunError, match="in use by another nastk"):
                nastk.open("run").resume()

    assert small_search("run", progress=begin_another).finished


def test_a_trained_network_predicts_as_the_evaluation_tested(photos):
    trained = nastk.evaluate("darts-v2", dataset=photos, preset="quick", settings=TRAINING, run_dir="run")
    net = nastk.load(trained)
    files = [(path, path.parent.name) for path in sorted(Path(photos, "test").glob("*/*.png"))]
    hits = sum(net.predict(path, top=1)[0][0] == name for path, name in files)
    assert trained.test_accuracy == pytest.approx(100 * hits / len(files))
    (best, second) = net.predict(files[0][0])
    assert best[1] >= second[1] and {best[0], second[0]} == {"cat", "dog"}
    Path("text.png").write_text("no image")
    with pytest.raises(ValueError, match=r"text\.png"):
        net.predict("text.png")
    notes = []
    found = list(nastk.predict(trained, [Path(photos, "test"), "text.png"], top=1, note=notes.append))
    assert [Path(prediction.path) for prediction in found[:-1]] == [path for path, _ in files]
    assert [prediction.classes[0][0] for prediction in found[:-1]] == [
        net.predict(path, top=1)[0][0] for path, _ in files
    ]
    assert (found[-1].classes, str(found[-1].unreadable)) == ((), "text.png (not an image)")
    Path(photos, "test", "list.csv").write_text("no image")
    assert [one.path for one in nastk.predict(net, Path("text.png"), note=notes.append)] == ["text.png"]
    assert not notes and len(list(nastk.predict(net, [Path(photos)], note=notes.append))) == 24
    assert notes == ["left out 1 other file of photos: 1 .csv (photos/test/list.csv)"]
    logits = net(net.preprocess(files[0][0]))
    assert (logits.shape == (1, 2) and not logits.requires_grad) or net.training is False
