"""The stand-alone file: bit-equal without nastk, clean, the same bytes each time, and a program."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_export import assert_nothing_of_this_machine

import nastk
from nastk.archs import load_arch
from nastk.exports.exported import Exported
from nastk.exports.python_file import write
from nastk.networks.cell_network import CellNetwork
from nastk.networks.classifier import Classifier, load_classifier
from nastk.networks.weights import COUNTER
from nastk.registry import load_space, space_entry


@pytest.fixture
def file(run) -> Path:
    return nastk.export(run, format="python", out="network.py")


def imported(file: Path):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_outputs_are_bit_equal(run, file, images_of):
    module, network = imported(file), load_classifier(run)
    alone = module.load(str(run / "weights.safetensors"))
    assert not alone.training
    wanted = network.network.state_dict()
    for one in (module.build(), alone):
        state = {name: tensor for name, tensor in one.state_dict().items() if not name.endswith(COUNTER)}
        assert [(name, tensor.shape) for name, tensor in state.items()] == [
            (name, tensor.shape) for name, tensor in wanted.items()
        ]
    with torch.inference_mode():
        for num in (1, 4):
            for images in (images_of(network, num), images_of(network, num).contiguous()):
                assert alone(images).equal(network(images))
        torch.save(network.network.state_dict(), "weights.pt")
        assert module.load("weights.pt")(images).equal(alone(images))
    assert (network.classes, network.mean, network.std) == (module.CLASSES, module.MEAN, module.STD)


@pytest.mark.parametrize("space", ["darts", "relativenas", "nasbench201"])
def test_of_any_genotype(space, images_of):
    """Also of cells without an operation on some edges."""
    random = np.random.default_rng(0)
    codec = load_space(space).codec(load_space(space).mask_of(None))
    settings = {"init_channels": 4, "num_cells": 3, "stem": "cifar", "auxiliary": False}
    about = {"classes": ("a", "b"), "shape": (1, 8, 8), "mean": (0.5,), "std": (0.25,)}
    for number in range(6):
        genotype = codec.decode([random.uniform(0, upper) for upper in codec.upper])
        network = space_entry(space).load_network()(genotype, **settings, num_classes=2, channels_in=1)
        classifier = Classifier(network, genotype, settings=settings, **about)
        Path(f"{number}.py").write_bytes(write(Exported(classifier, "any")))
        assert_clean(Path(f"{number}.py"))
        alone = imported(Path(f"{number}.py")).build().eval()
        alone.load_state_dict(dict(network.state_dict()), strict=True)
        with torch.inference_mode():
            assert alone(images_of(classifier, 2)).equal(classifier(images_of(classifier, 2)))


def test_sides_that_are_not_allowed(run, file):
    alone, network = imported(file).build(), load_classifier(run)
    unit = 32 if network.settings["stem"] == "imagenet" else 4
    alone.eval()(torch.zeros(1, network.shape[0], 2 * unit, 3 * unit))
    for height, width in ((unit, 2 * unit), (2 * unit, 2 * unit + 2)):
        message = f"images of {height}x{width} pixels .* multiples of {unit} from {2 * unit} up"
        with pytest.raises(ValueError, match=message):
            alone(torch.zeros(1, network.shape[0], height, width))


def save_images(kinds: int) -> list[str]:
    """Noise: turned by EXIF, 16 bits of grey, floats, a palette, alpha, grey, larger and smaller than wanted."""
    random = np.random.default_rng(0)
    exif = Image.Exif()
    exif[274] = 6
    names = []
    for number, (height, width) in enumerate([(30, 50), (16, 24), (70, 71), (9, 90), (64, 64), (33, 17)]):
        image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        grey = np.array(image.convert("L"))
        image.save(f"{number}.jpg", exif=exif)
        Image.fromarray(grey.astype(np.uint16) * 20).save(f"{number}-16.png")
        Image.fromarray(grey.astype(np.float32) * 17.3).save(f"{number}-float.tif")
        image.convert("P").save(f"{number}-palette.png")
        image.convert("RGBA").save(f"{number}-alpha.png")
        image.convert("L").save(f"{number}-grey.png")
        names += [
            f"{number}{end}"
            for end in (".jpg", "-16.png", "-float.tif", "-palette.png", "-alpha.png", "-grey.png")
        ]
    return names[:kinds]


@pytest.mark.parametrize("case", ["cells", "imagenet"])
def test_it_reads_images_as_nastk_does(case, runs):
    """In colour and in grey. Were a pixel of one of them off by one level, its input would differ by 0.019."""
    run = runs[case]
    module, network = imported(nastk.export(run, format="python")), load_classifier(run)
    alone = module.load(str(run / "weights.safetensors"))
    for name in save_images(36):
        assert torch.allclose(module.read(name), network.preprocess(name), rtol=0, atol=1e-5), name
        found = module.predict(alone, name)
        assert [name for name, _ in found] == [name for name, _ in network.predict(name)]
        assert [share for _, share in found] == pytest.approx(
            [share for _, share in network.predict(name)], rel=1e-4
        )
        assert len(found) == 5 and len(module.predict(alone, name, top=2)) == 2


def test_as_a_program_where_there_is_no_nastk(runs):
    """Whoever imports nastk there fails."""
    run = runs["cells"]
    nastk.export(run, format="python", out="network.py")
    name = save_images(1)[0]
    Path("nastk.py").write_text("raise ImportError")
    command = [sys.executable, "-W", "error", "network.py"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [*command, run / "weights.safetensors", name], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    best, share = nastk.load(run).predict(name)[0]
    assert done.stdout.splitlines()[0] == f"{100 * share:6.2f} %  {best}"
    assert done.stdout.count("\n") == 5
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "usage: python network.py WEIGHTS IMAGE\n")


RUFF = [sys.executable, "-m", "ruff"]
CHECKED = ["--select", "E,F,W,I,B,UP,SIM,RUF,ARG", "--line-length", "110", "--target-version", "py310"]


def assert_clean(file: Path) -> None:
    for words in (["check", *CHECKED], ["format", "--check", "--line-length", "110"]):
        done = subprocess.run(
            [*RUFF, *words, "--isolated", "--no-cache", file], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_clean_and_always_the_same(run, file):
    assert_clean(file)
    content = file.read_bytes()
    assert_nothing_of_this_machine(content)
    assert content.count(b"nastk") == 2, "who wrote it, and whose the code is"
    assert nastk.export(run, format="python", out="again.py").read_bytes() == content
    assert len(content.splitlines()) < 310


def test_only_what_the_network_needs_is_in_it(runs):
    text = {name: nastk.export(runs[name], format="python").read_text() for name in runs}
    assert "CifarStem" in text["cells"] and "ImageNetStem" not in text["cells"]
    assert "ImageNetStem" in text["imagenet"] and "CifarStem" not in text["imagenet"]
    assert "MaxPool2d" in text["cells"] and "MaxPool2d" not in text["imagenet"]
    assert "FactorizedReduce" not in text["benchmark"] and "CELL = (" in text["benchmark"]
    assert "trained on photos with seed 3; test accuracy 93.22 %" in text["cells"].replace("\n", " ")


def test_an_architecture_without_weights(nastk_command):
    """In its published size; to be trained by somebody else."""
    code, out, err = nastk_command("export", "darts-v2", "--format", "python")
    assert (code, out) == (0, "")
    assert err == "darts-v2 has no trained weights: its network is written untrained\nwrote darts_v2.py\n"
    assert_clean(Path("darts_v2.py"))
    assert "It was never trained" in Path("darts_v2.py").read_text()
    module = imported(Path("darts_v2.py"))
    network = CellNetwork(load_arch("darts-v2").genotype, init_channels=36, num_cells=20, num_classes=10)
    module.build().load_state_dict(dict(network.state_dict()), strict=True)


def test_names_that_would_break_a_docstring(runs):
    network = load_classifier(runs["cells"])
    for name in ('"""', "a\\", "a\nb", "x" * 300):
        content = write(
            Exported(network, name, {"dataset": name, "seed": 0, "steps": 1, "test_accuracy": 1.0})
        )
        compile(content, "file.py", "exec")


def test_a_network_of_another_package_is_refused(runs):
    class Other(CellNetwork):
        """Whose forward may be anything."""

    found = load_classifier(runs["cells"])
    network = Other(found.genotype, **found.settings, num_classes=6)
    about = {"classes": found.classes, "shape": found.shape, "mean": found.mean, "std": found.std}
    other = Classifier(network, found.genotype, settings=found.settings, **about)
    with pytest.raises(ValueError, match="nastk has no stand-alone code for space 'darts'"):
        write(Exported(other, "other"))
