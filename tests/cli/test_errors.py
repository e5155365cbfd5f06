"""What a user can do wrong: one line that says what would be right, exit code 2, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_lines import EVALUATE, SEARCH, SMALL
from PIL import Image

from nastk.engine import checkpoint

FOUND = '{"format": "nastk-genotype", "version": 1, "space": "darts", '


def _files() -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in Path().rglob("*")}


@pytest.fixture
def refuses(nastk, monkeypatch) -> Callable[..., None]:
    """Asserts that a command line is refused with a line that contains all of the fragments."""

    def never(*_: Any) -> None:
        pytest.fail("the run began")

    monkeypatch.setattr("nastk.workflows.driving.drive", never)

    def check(arguments: list[Any], *fragments: str) -> None:
        before = _files()
        code, out, err = nastk(*arguments)
        assert code == 2, err
        assert out == ""
        lines = [
            line
            for line in err.splitlines()
            if not line.startswith(("preset: ", "data set: ", "data: ", "cell: ", "time: "))
        ]
        assert len(lines) == 1, err
        assert lines[0].startswith("Error: ")
        for fragment in fragments:
            assert fragment in lines[0]
        assert _files() == before

    return check


@pytest.mark.parametrize(
    ("line", "fragments"),
    [
        ("serch", ["No such command 'serch'", "search"]),
        ("--verbose", ["No such option", "--verbose"]),
        ("search --methd relativenas", ["No such option", "--methd", "--method"]),
        ("search --method", ["'--method' requires an argument"]),
        ("search", ["--method is missing; known: darts, evolution, ", "relativenas"]),
        ("search --method relativena", ["unknown method 'relativena'; did you mean 'relativenas'?"]),
        ("search --method relativenas --space dart", ["'dart'", "'darts'"]),
        ("search --method relativenas --preset quik", ["unknown preset", "did you mean 'quick'?"]),
        ("search --method relativenas --dataset digit", ["unknown data set 'digit'; did you mean 'digits'?"]),
        ("search --method relativenas --dataset nowhere/at/all", ["nowhere/at/all does not exist"]),
        ("search --method relativenas --dataset set.npz", ["set.npz does not exist"]),
        ("search --method relativenas --dataset=", ["data.dataset: expected a text, found None"]),
        ("search --method relativenas data.dataset=", ["data.dataset"]),
        (
            "search --method relativenas --dataset ~nosuchuser/x",
            ["~nosuchuser/x: there is no such home directory"],
        ),
        (
            "search --method relativenas --data-dir ~nosuchuser/x",
            ["~nosuchuser/x: there is no such home directory"],
        ),
        ("search --method relativenas --seed -1", ["run.seed: expected at least 0, found -1"]),
        ("search --method relativenas --seed abc", ["'--seed'", "'abc' is not a valid integer"]),
        ("search --method relativenas --seed 4294967296", ["run.seed: expected at most 4294967295"]),
        (
            "search --method relativenas --device gpu",
            ["'--device'", "'gpu' is not one of 'auto', 'cpu', 'cuda'"],
        ),
        ("search --method relativenas quick", ["'quick' is not KEY=VALUE"]),
        ("search --method relativenas train.batchsize=8", ["did you mean 'train.batch_size'?"]),
        ("search --method relativenas trian.lr=0.1", ["unknown key 'trian.lr'; did you mean 'train.lr'?"]),
        ("search --method relativenas population=4", ["did you mean 'search.population'?"]),
        ("search --method relativenas train.lr=fast", ["train.lr: expected a number, found 'fast'"]),
        ("search --method relativenas train.lr=0", ["train.lr: expected more than 0, found 0"]),
        ("search --method relativenas train.epochs=1.5", ["train.epochs: expected an integer, found 1.5"]),
        (
            "search --method relativenas train.drop_path=1",
            ["train.drop_path: expected at most 0.95, found 1"],
        ),
        ("search --method relativenas data.flip=1", ["data.flip: expected true or false, found 1"]),
        (
            "search --method relativenas search.population=5",
            ["search.population: expected an even number, found 5"],
        ),
        (
            "search --method random search.population=5",
            ["search.population: expected an even number, found 5"],
        ),
        ("search --method relativenas search.population=1", ["search.population: expected at least 2"]),
        ("search --method relativenas space.operations=[skip]", ["skip"]),
        ("search --method relativenas space.operations=[]", ["operations"]),
        ("search --method relativenas engine.precision=bf16 engine.device=cpu", ["bf16 is for CUDA only"]),
        ("search --method relativenas engine.precision=tf32 engine.device=cpu", ["tf32 is for CUDA only"]),
        (
            "search --method relativenas engine.precision=fp16",
            ["expected one of fp32, tf32, bf16, found 'fp16'"],
        ),
        ("search --method relativenas data.max_train=5", ["5 training images are too few for 10 classes"]),
        ("search --method relativenas data.max_train=10", ["has a single training image"]),
        ("evaluate", ["--arch is missing"]),
        ("evaluate --arch relativenas-cifar", ["'relativenas-cifar'", "did you mean 'relativenas-cifar10'?"]),
        ("evaluate --arch missing.json", ["missing.json: no such file"]),
        ("evaluate --arch .", ["a directory without genotype.json"]),
        (
            "evaluate --arch darts-v1 --dataset digits search.population=2",
            ["unknown key 'search.population'"],
        ),
        (
            "evaluate --arch darts-v1 --dataset digits network.num_cells=0",
            ["network.num_cells: expected at least 1"],
        ),
        ("evaluate --arch darts-v1 --dataset digits network.stem=imagenet", ["image"]),
        ("transfer", ["--task is missing; known: cifar10, cifar100, data, fashion-mnist"]),
        ("transfer --task cifar", ["unknown task 'cifar'; did you mean 'cifar10'?"]),
        ("transfer --task data --arch darts-v1", ["--task data needs --dataset"]),
        (
            "transfer --task cifar10 --dataset digits --arch darts-v1",
            ["--task cifar10 is trained on cifar10"],
        ),
        (
            "transfer --task data --dataset digits",
            ["no ./genotype.json", "nastk search", "--arch", "nastk list archs", "--weights"],
        ),
        (
            "transfer --task data --dataset digits --weights w.safetensors",
            ["w.safetensors", "cannot be read"],
        ),
        ("transfer --task data --dataset digits --weights .", ["a directory", "weights.safetensors"]),
        ("show darts-v1 --svg .", ["--svg: . is a directory"]),
        ("show", ["Missing argument 'ARCH'"]),
        ("show dartsv1", ["did you mean 'darts-v1'?"]),
        ("show darts-v1 --num-cells 0", ["--num-cells"]),
        ("show darts-v1 --stem mobile", ["--stem"]),
        ("show darts-v1 --svg no/where.svg", ["no/where_normal.svg: No such file or directory"]),
        ("list", ["Missing argument"]),
        ("list method", ["'method' is not one of 'methods'"]),
        ("config", ["Missing argument"]),
        ("config seach", ["'seach' is not one of 'search'"]),
        ("config search --method x", ["unknown method 'x'"]),
        ("config search train.lr=", ["train.lr: expected a number, found None"]),
    ],
)
def test_one_line(line, fragments, refuses):
    refuses(line.split(" "), *fragments)


def test_cuda_without_cuda(refuses, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refuses(
        ["search", "--method", "relativenas", "--device", "cuda"],
        "no CUDA device is available",
        "--device cpu",
    )


def test_very_long_words(refuses):
    refuses(["search", "--method", "x" * 5000], "unknown method 'xxx")
    refuses(["search", "--method", "random", "--dataset", "x" * 5000])
    refuses(["search", "--method", "random", "--run-dir", "x" * 5000], "File name too long")
    refuses(["evaluate", "--arch", "x" * 5000])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a genotype"),
        ("{", "not a genotype"),
        ("[1, 2]", "expected a JSON object, found list"),
        ('{"format": "other"}', "format: expected 'nastk-genotype'"),
        (FOUND.replace("1", "2") + '"normal": []}', "version: this nastk reads version 1, found 2"),
        (FOUND.replace("darts", "dart") + '"normal": []}', "unknown space 'dart'; did you mean 'darts'?"),
        (FOUND + '"normal": 1, "reduce": 2, "concat": 3}', ""),
        ("Genotype(normal=__import__('os').mkdir('x'))", "not a literal"),
    ],
)
def test_malformed_genotype(content, message, refuses):
    Path("genotype.json").write_text(content)
    for arguments in (
        ["show", "genotype.json"],
        ["evaluate", "--arch", "genotype.json"],
        ["transfer", "--task", "data", "--dataset", "digits"],
    ):
        refuses(arguments, "genotype.json: ", message)


def test_genotype_with_an_operation_of_another_space(refuses, finished_runs):
    text = (finished_runs["search"] / "genotype.json").read_text()
    Path("genotype.json").write_text(text.replace("sep_conv_3x3", "conv_3x3"))
    refuses(["evaluate", "--arch", "genotype.json"], "genotype.json: ", "conv_3x3")


def test_run_directory(refuses):
    Path("file").write_text("")
    Path("full").mkdir()
    Path("full/note.txt").write_text("mine")
    Path("run").mkdir()
    Path("run/config.yaml").write_text("")
    for arguments in (SEARCH, EVALUATE):
        refuses([*arguments, "--run-dir", "file"], "file is a file; --run-dir needs a new or empty directory")
        refuses([*arguments, "--run-dir", "file/below"], "file is a file")
        refuses([*arguments, "--run-dir", "full"], "full is not empty; choose another --run-dir")
        refuses([*arguments, "--run-dir", "run"], "or continue that run: --resume run")
        refuses([*arguments, "--run-dir", "/proc/nastk"], "/proc/nastk: ")


def test_no_write_permission(nastk):
    """As another user, in a fork: the superuser may write everywhere."""
    message = "Error: locked: no permission to write there"
    arguments = ["search", "--method", "relativenas", "--run-dir", "locked/run"]
    with tempfile.TemporaryDirectory() as folder:  # unlike tmp_path, in a place that others may enter
        os.chmod(folder, 0o755)
        os.mkdir(f"{folder}/locked", mode=0o555)
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.chdir(folder)
                if os.getuid() == 0:
                    os.setgid(65534)
                    os.setuid(65534)
                code, _, err = nastk(*arguments)
                code = code if err.splitlines()[-1] == message else 71
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        assert os.listdir(f"{folder}/locked") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": None}, "y_train"),
        ({"x_train": None}, "x_train"),
        ({"y_train": np.zeros(16, int)}, "class"),
        ({"y_train": np.arange(16) - 1}, ""),
        ({"y_train": np.arange(15) % 2}, ""),
        ({"y_train": np.array(["a"] * 16)}, "y_train"),
        ({"x_train": np.zeros((16, 8, 8))}, "uint8"),
        ({"x_train": np.zeros((16, 64), np.uint8)}, "x_train"),
        ({"x_train": np.zeros((0, 8, 8), np.uint8), "y_train": np.zeros(0, int)}, ""),
        ({"x_train": np.zeros((16, 2, 2), np.uint8)}, ""),
    ],
)
def test_npz_that_cannot_be_used(changes, message, write_npz, refuses):
    path = write_npz(**changes)
    refuses(["search", "--method", "relativenas", *SMALL, "--dataset", path], "set.npz", message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": np.arange(16) % 3}, "test"),
        ({"x_test": None}, "x_test"),
        ({"x_test": np.zeros((16, 8, 8, 3), np.uint8)}, ""),
    ],
)
def test_npz_whose_test_images_cannot_be_used(changes, message, write_npz, refuses):
    path = write_npz(**changes)
    refuses(["evaluate", "--arch", "darts-v1", *SMALL, "--dataset", path], message)


def test_data_that_is_no_npz(refuses):
    Path("text.npz").write_text("no archive")
    Path("image.png").write_bytes(b"")
    refuses(["search", "--method", "random", "--dataset", "text.npz"], "text.npz")
    refuses(
        ["search", "--method", "random", "--dataset", "image.png"], "neither a directory of class folders nor"
    )


def _write_folder(splits: tuple[str, ...] = ("train", "test"), classes: tuple[str, ...] = ("a", "b")) -> None:
    for split in splits:
        for name in classes:
            Path("set", split, name).mkdir(parents=True)
            for number in range(3):
                Image.new("L", (8, 8), 40 * number).save(f"set/{split}/{name}/{number}.png")


def test_class_folders(refuses):
    arguments = ["search", "--method", "random", *SMALL, "--dataset", "set"]
    Path("set").mkdir()
    refuses(arguments, "set")
    Path("set").rmdir()
    _write_folder(classes=("a",))
    refuses(arguments, "class")
    Path("set/train/b").mkdir()
    refuses(arguments, str(Path("set/train/b")))
    Path("set/train/b/0.png").write_bytes(b"")
    Path("set/train/b/1.png").write_bytes(b"not a png")
    refuses(arguments, str(Path("set/train/b/0.png")))
    refuses([*arguments, "data.skip_corrupt=true"], str(Path("set/train/b")))


def test_no_test_folder(refuses):
    _write_folder(splits=("train",))
    arguments = ["evaluate", "--arch", "darts-v1", *SMALL, "--dataset", "set"]
    refuses([*arguments, "data.test_portion=0"], "set has no folder test or val")
    Path("set/test").mkdir()
    refuses(arguments, "set/test has no class folders")


@pytest.mark.parametrize("num_cells", [1, 2])
def test_few_cells_and_a_batch_larger_than_the_data(num_cells, nastk):
    words = [f"network.num_cells={num_cells}", "train.batch_size=10000", "data.max_train=20"]
    assert nastk(*SEARCH, *words, "search.generations=1", "--run-dir", "search").code == 0
    assert nastk(*EVALUATE, *words, "train.epochs=1", "--run-dir", "evaluate").code == 0


def test_loss_that_is_not_finite(nastk):
    """A search goes on without the candidate; the training of one network stops and says why."""
    code, _, err = nastk(*EVALUATE, "--run-dir", "run", "train.lr=1e30", "train.grad_clip=1e30")
    assert code == 2
    last = err.splitlines()[-1]
    assert last.startswith("Error: the loss was not finite at training step ")
    assert "learning rate 1e+30" in last and "try a smaller train.lr" in last
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: ...")]
)
def test_out_of_memory(nastk, monkeypatch, error):
    def use_it_up(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("nastk.methods.relativenas.RelativeNAS.step", use_it_up)
    code, _, err = nastk(*SEARCH, "--run-dir", "run")
    assert (code, err.splitlines()[-1]) == (
        2,
        "Error: out of memory; try a smaller network (network.init_channels), image or batch",
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")
def test_stdout_on_a_full_disk():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nastk", "list", "methods"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (2, "Error: stdout cannot be written: no space left on device\n")


def test_a_fault_of_ours(nastk, monkeypatch, tmp_path):
    """Traceback and log, exit code 1; a signal's handlers are as before."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("nastk.methods.relativenas.RelativeNAS.step", break_down)
    handler = signal.getsignal(signal.SIGINT)
    code, out, err = nastk(*SEARCH, "--run-dir", "a run")
    assert (code, out) == (1, "")
    assert "Traceback (most recent call last)" in err and "RuntimeError: out of order" in err
    assert "This is a fault of nastk." in err
    log = Path(err.splitlines()[-1].removeprefix("The log is "))
    assert log.parent == tmp_path
    assert "RuntimeError: out of order" in log.read_text()
    assert "--run-dir 'a run'" in log.read_text()
    assert signal.getsignal(signal.SIGINT) == handler


def test_a_fault_without_a_place_for_the_log(nastk, monkeypatch):
    def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("nastk.registry.find", break_down)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", _no_space)
    code, _, err = nastk("search", "--method", "random")
    assert code == 1
    assert "RuntimeError: out of order" in err and "No log could be written" in err


def _no_space(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def _exhausted(*_: Any, **__: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    ("command", "words", "advice"),
    [
        (SEARCH, ["train.batch_size=65"], "train.batch_size=32"),
        (SEARCH, ["train.batch_size=1"], "network.init_channels=1"),  # of 2
        (SEARCH, ["train.batch_size=1", "network.init_channels=1"], "engine.device=cpu"),
        (EVALUATE, ["train.eval_batch_size=100"], "train.batch_size=8 train.eval_batch_size=50"),
        (EVALUATE, ["train.batch_size=1", "train.eval_batch_size=1"], "network.init_channels=1"),
    ],
)
def test_out_of_gpu_memory(command, words, advice, nastk, monkeypatch):
    """In a step, wherever that is: training or testing."""
    for place in ("train_batches", "evaluate"):
        with monkeypatch.context() as patch:
            patch.setattr(f"nastk.engine.training.{place}", _exhausted)
            code, out, err = nastk(*command, *words, "--run-dir", place)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1] == f"Error: out of GPU memory; try {advice}"
        assert "Traceback" not in err


def test_out_of_gpu_memory_in_a_resumed_run(nastk, monkeypatch):
    """Whose configuration cannot be changed: the advice is for a new one."""
    with monkeypatch.context() as patch:
        patch.setattr("nastk.engine.checkpoint.save", _interrupting(checkpoint.save))
        assert nastk(*SEARCH, "--run-dir", "run").code == 130
    monkeypatch.setattr("nastk.engine.training.train_batches", _exhausted)
    monkeypatch.setattr("nastk.engine.training.evaluate", _exhausted)
    code, _, err = nastk("search", "--resume", "run")
    assert code == 2 and err.splitlines()[-1] == (
        "Error: out of GPU memory; try train.batch_size=8 in a new run: a resumed one keeps its configuration"
    )


def _interrupting(save: Any) -> Any:
    def save_and_stop(*arguments: Any, **named: Any) -> None:
        save(*arguments, **named)
        raise KeyboardInterrupt

    return save_and_stop


def test_out_of_gpu_memory_before_the_first_step(nastk, monkeypatch):
    monkeypatch.setattr("nastk.engine.device.Engine.place", _exhausted)
    code, _, err = nastk(*SEARCH, "--run-dir", "run")
    assert code == 2
    assert err.splitlines()[-1].startswith("Error: out of GPU memory; does another process hold it?")
    assert "Traceback" not in err


def test_debugging_shows_the_traceback(nastk, monkeypatch):
    monkeypatch.setenv("NASTK_DEBUG", "1")
    with pytest.raises(ValueError, match="unknown method"):
        nastk("search", "--method", "x")
    assert sys.exc_info() == (None, None, None)
