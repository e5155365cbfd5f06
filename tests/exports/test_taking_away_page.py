"""docs/taking-away.md: its commands and its code, one after the other as they stand there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nastk
from nastk.exports.formats import FORMATS

PAGE = (Path(__file__).parents[2] / "docs" / "taking-away.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_has_every_format():
    assert re.findall(r"^\| `([a-z][\w-]*)` \|", PAGE, re.MULTILINE) == list(FORMATS)


@pytest.mark.slow
def test_the_page(runs, nastk_command, monkeypatch, capsys):
    """Each example finds what nastk itself finds, of a photo that is larger than the network's images."""
    shutil.copytree(runs["benchmark"], "runs/b")
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    coarse.resize((50, 40), Image.Resampling.BICUBIC).save("cat.jpg", quality=95)
    Path("new-photos").mkdir()
    shutil.copy("cat.jpg", "new-photos")
    monkeypatch.syspath_prepend(".")
    network = nastk.load("runs/b")
    found = network.predict("cat.jpg")
    best = found[0][0]
    for kind, text in BLOCKS:
        if kind == "python":
            names: dict = {}
            exec(compile(text, "docs/taking-away.md", "exec"), names)
            if "session" in names:
                assert capsys.readouterr().out == f"{best}\n"
                wanted = network(network.preprocess("cat.jpg"))[0].tolist()
                assert names["logits"][0] == pytest.approx(wanted, abs=0.05), "another library's scaling"
            elif "b" in names:
                assert dict(names["b"].predict(names["network"], "cat.jpg")) == pytest.approx(dict(found))
            else:
                assert names["logits"].shape == (5, len(network.classes))
            continue
        for line in text.splitlines():
            words, _, to = line.partition(" > ")
            program, *words = shlex.split(words)
            if program == "nastk":
                code, out, err = nastk_command(*words)
                assert code == 0, err
                assert not to or best in out
            else:
                done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
                assert best in done.stdout.splitlines()[0]
    del sys.modules["b"]
