"""What a run does not wait for before its first step."""

import subprocess
import sys

from command_lines import DARTS, EVALUATE, SEARCH


def test_what_compiles_nothing_imports_no_compiler(tmp_path):
    """PyTorch's takes seconds. From the command to the files of its result; one process for all."""
    code = (
        "import sys, nastk.cli\n"
        f"for words in {[SEARCH, DARTS, EVALUATE]!r}:\n"
        "    words = [word for word in words if not word.startswith('train.epochs')]\n"
        "    code = nastk.cli.run([*words, '--quiet', 'train.epochs=1'])\n"
        "    found = {'torch._dynamo', 'torch._inductor', 'sympy', 'torchvision'} & set(sys.modules)\n"
        "    if code or found:\n"
        "        sys.exit(f'{words}: {code}, {found}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
