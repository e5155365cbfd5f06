"""Three interrupts within a moment, at any moment of the program: no traceback, exit code 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import SEARCH

from nastk import interrupts

# What a program begins with that interrupts itself: `burst` from a thread of its own, `once_called` when a
# function is called, `when_imported` when a module is. As sitecustomize.py it runs before all else.
PRELUDE = """
import atexit, os, signal, sys, threading, time

def burst(times=3, wait=0.3):
    def send():
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.005)
    threading.Thread(target=send, daemon=True).start()
    end = time.monotonic() + wait
    while time.monotonic() < end:  # rather than asleep, so that an interrupt that is swallowed is not the end
        pass

def once_called(place, name):
    function = getattr(place, name)
    def call(*arguments, **options):
        setattr(place, name, function)
        burst()
        return function(*arguments, **options)
    setattr(place, name, call)

class When:
    def __init__(self, module):
        self.module = module
    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            sys.meta_path.remove(self)
            burst()

def when_imported(module):
    sys.meta_path.insert(0, When(module))
"""

# As some extension modules do, which then go on with half of what they import.
SWALLOWING = """
from sitecustomize import burst
try:
    burst()
except BaseException:
    pass
"""


def _run(code: str, *words: str) -> tuple[int, str, str]:
    Path("before").mkdir()
    Path("before/sitecustomize.py").write_text(f"{PRELUDE}\n{code}\n")
    Path("before/swallowing.py").write_text(SWALLOWING)
    places = [os.path.abspath("before"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, places))}
    done = subprocess.run(
        [sys.executable, "-m", "nastk", *words], capture_output=True, text=True, env=environment, timeout=300
    )
    assert "Traceback" not in done.stderr and "ignored" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


MOMENTS = {
    "the command line is imported": "when_imported('click')",
    "a command is imported": "when_imported('nastk.cli.search')",
    "a command begins": "import nastk.cli.list\nonce_called(nastk.cli.list.registry, 'methods')",
    "a command imports": (
        "import nastk.cli.list\n"
        "when_imported('wave')\n"
        "nastk.cli.list.registry.methods = lambda: (__import__('wave'), time.sleep(5))"
    ),
    "an import swallows it": (
        "import nastk.cli.list\n"
        "nastk.cli.list.registry.methods = lambda: (__import__('swallowing'), time.sleep(5))"
    ),
    "its text is written": "import click\nonce_called(click, 'echo')",
    "it is answered": (
        "import click, nastk.cli.list\n"
        "once_called(nastk.cli.list.registry, 'methods')\n"
        "echo = click.echo\n"
        "def answer(text, **options):\n"
        "    burst()\n"
        "    echo(text, **options)\n"
        "click.echo = answer"
    ),
    "another one unwinds": (
        "import nastk.cli.list\n"
        "def methods():\n"
        "    try:\n"
        "        burst()\n"
        "    finally:\n"
        "        burst()\n"
        "nastk.cli.list.registry.methods = methods"
    ),
    "a destructor runs": (
        "import nastk.cli.list\n"
        "class Thing:\n"
        "    def __del__(self):\n"
        "        burst()\n"
        "def methods():\n"
        "    thing = Thing()\n"
        "    del thing\n"
        "    time.sleep(5)\n"
        "nastk.cli.list.registry.methods = methods"
    ),
    "a text is evaluated": (
        "import nastk.cli.list\nnastk.cli.list.registry.methods = lambda: exec('burst()', {'burst': burst})"
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_while(moment):
    code, out, err = _run(MOMENTS[moment], "list", "methods")
    assert (code, out) == (130, "")
    assert err == "Interrupted\n"


def test_while_python_ends():
    """The result is out and the exit code decided."""
    code, out, err = _run("atexit.register(burst)", "list", "methods")
    assert (code, err) == (0, "") and "relativenas" in out


def test_at_the_very_end():
    """When Python has put away its own handlers already."""
    code = (
        "class Last:\n"
        "    def __del__(self, kill=os.kill, me=os.getpid(), number=signal.SIGINT):\n"
        "        kill(me, number)\n"
        "last = Last()"
    )
    assert _run(code, "list", "methods")[::2] == (0, "")


def test_while_python_ends_after_another_interrupt():
    code, _, err = _run("atexit.register(burst)\nwhen_imported('nastk.cli.search')", "list", "methods")
    assert (code, err) == (130, "Interrupted\n")


def test_where_interrupts_are_ignored():
    """A process behind an & of a script, or of nohup: they are not meant for it."""
    ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    code, out, err = _run(ignored + "when_imported('nastk.cli.search')", "list", "methods")
    assert (code, err) == (0, "") and "relativenas" in out


# Of a run: what it imports, what it reads, builds and writes.
RUN_MOMENTS = {
    "torch is imported": ("when_imported('numpy.linalg')", False),
    "images are read": (
        "import nastk.data.search_images\nonce_called(nastk.data.search_images, 'load_images')",
        False,
    ),
    "the first checkpoint is written": (
        "import nastk.engine.checkpoint\nonce_called(nastk.engine.checkpoint.torch, 'save')",
        True,
    ),
    "a step imports": (
        "import nastk.engine.drive as drive\n"
        "when_imported('wave')\n"
        "step = drive._step\n"
        "drive._step = lambda job, engine: (__import__('wave'), step(job, engine))[1]",
        True,
    ),
    "results are written": (
        "import nastk.workflows.search\nonce_called(sys.modules['nastk.workflows.search'], 'write_result_file')",
        True,
    ),
}


_QUICK = ("a step imports", "results are written")


@pytest.mark.parametrize(
    "moment",
    [moment if moment in _QUICK else pytest.param(moment, marks=pytest.mark.slow) for moment in RUN_MOMENTS],
)
def test_of_a_run_while(moment):
    interrupt, can_go_on = RUN_MOMENTS[moment]
    code, out, err = _run(interrupt, *SEARCH, "search.generations=1", "--run-dir", "run")
    assert (code, out) == (130, "")
    # Where the first one has stopped the run before the next ones could be heeded, it says so.
    assert err.splitlines()[-1].startswith(("Interrupted", "Stopped by SIGINT"))
    assert Path("run").exists() == can_go_on
    assert [path.name for path in Path().rglob("*.tmp")] == []


def test_the_handlers_of_the_program_are_the_program_s(monkeypatch):
    """Whoever imports nastk keeps their own."""
    found = signal.getsignal(signal.SIGINT), sys.unraisablehook
    code = (
        "import signal, sys; before = signal.getsignal(signal.SIGINT), sys.unraisablehook\n"
        "import nastk, nastk.cli, nastk.interrupts, nastk.__main__\n"
        "assert nastk.cli.run(['list', 'methods']) == 0\n"
        "assert before == (signal.getsignal(signal.SIGINT), sys.unraisablehook)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
    assert found == (signal.getsignal(signal.SIGINT), sys.unraisablehook)
    assert interrupts.EXIT_CODE == 130
