"""The built wheel, installed without the source tree: presets, published cells and digits are inside."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment(tmp_path):
    """The environment sees the installed PyTorch, so that nothing large is installed again."""
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("nastk-*.whl")
    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "--quiet", "install", "--no-deps", str(wheel)], check=True)
    site = next((tmp_path / "fresh" / "lib").glob("python*/site-packages"))
    # The dependencies of the environment that runs the tests, but not its nastk (an import hook there).
    (site / "dependencies.pth").write_text(f"{Path(pytest.__file__).parent.parent}\n", encoding="utf-8")

    def nastk(*words):
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [str(tmp_path / "fresh" / "bin" / "nastk"), *words]
        found = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    asking = [str(python), "-c", "import nastk; print(nastk.__file__)"]
    where = subprocess.run(asking, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(site) in where.stdout
    assert "relativenas/quick" in json.loads(nastk("list", "presets", "--json"))
    assert json.loads(nastk("show", "relativenas-cifar10", "--json"))["params"] == 3_928_222
    words = ["network.init_channels=2", "network.num_cells=2", "search.population=2", "search.generations=1"]
    nastk("search", "--method", "relativenas", "data.max_train=60", *words)
    assert json.loads((tmp_path / "genotype.json").read_text())["provenance"]["dataset"] == "digits"
