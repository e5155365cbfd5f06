"""Run a command line again and again in child processes that are killed with SIGKILL, until it is done.

python killing.py ARGUMENTS: a JSON object on stdin {"arguments": [...], "run": DIR, "plans": [...]}. A plan
is [WHERE, N]: the child kills itself at the N-th call of WHERE (see `arm`); or ["time", S]: it is killed
from outside after S seconds. Then the command is run to its end without a plan. Prints as JSON what
each child came to: its exit code, or minus the signal's number, and what it left behind.

torch is imported once, with one thread, and every child is a fork: a kill costs no import.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import nastk.cli
import nastk.cli.progress
import nastk.data.search_images
import nastk.data.sources
import nastk.engine.drive
import nastk.estimators.standalone
import nastk.methods.darts
import nastk.methods.relativenas
import nastk.networks.cell_supernet
import nastk.networks.weights
import nastk.report.drawings
import nastk.weight_sharing.shared_weights
import nastk.workflows.evaluate
import nastk.workflows.search
from nastk.methods.pdarts import PDARTS
from nastk.run import Run


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def arm(where: str, number: int) -> None:
    """Make the `number`-th call of `where` the last one."""
    calls = 0

    def last() -> bool:
        nonlocal calls
        calls += 1
        return calls == number

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if last():
                kill_myself()
            return function(*arguments, **options)

        return call

    def half_written(path: Path, content: Any) -> None:
        with open(path, "wb") as file:
            file.write(bytes(content)[: len(content) // 2 if last() else None])
        if calls == number:
            kill_myself()

    append_metrics = Run.append_metrics

    def half_a_line(run: Run, step: int, metrics: dict[str, Any]) -> None:
        if step > run.last_logged and last():
            with open(run.path / "metrics.jsonl", "a") as file:
                file.write(json.dumps({"step": step} | metrics)[:25])
            kill_myself()
        append_metrics(run, step, metrics)

    if where == "fsync":
        os.fsync = before(os.fsync)
    elif where == "replace":
        os.replace = before(os.replace)
    elif where == "torch.save":
        torch.save = before(torch.save)
    elif where == "half a file":
        Path.write_bytes = half_written  # type: ignore[assignment,method-assign]
    elif where == "half a line":
        Run.append_metrics = half_a_line  # type: ignore[method-assign]
    elif where == "stage":
        PDARTS._build = before(PDARTS._build)  # type: ignore[method-assign]
    else:
        raise ValueError(where)


def sitting(arguments: list[str], plan: list[Any] | None) -> int:
    """One child; its exit code, or minus the number of the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            if plan is not None and plan[0] != "time":
                arm(*plan)
            os.dup2(2, 1)
            code = nastk.cli.run(arguments)
        finally:
            sys.stderr.flush()
            os._exit(code)
    if plan is not None and plan[0] == "time":
        time.sleep(plan[1])
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    torch.set_num_threads(1)
    order = json.load(sys.stdin)
    run, ended = Path(order["run"]), []
    for plan in [*order["plans"], None]:
        if (run / "config.yaml").exists():
            code = sitting([order["arguments"][0], "--resume", str(run)], plan)
        else:  # killed before there was anything to continue
            shutil.rmtree(run, ignore_errors=True)
            code = sitting([*order["arguments"], "--run-dir", str(run)], plan)
        ended.append([code, sorted(os.listdir(run)) if run.exists() else []])
        if code == 0:
            break
    json.dump(ended, sys.stdout)


main()
