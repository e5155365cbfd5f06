"""The command line: one file a command. Importing it costs no torch."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import tempfile
import traceback
from typing import TextIO

import click

from nastk import __version__, interrupts
from nastk.cli.config import config
from nastk.cli.evaluate import evaluate
from nastk.cli.export import export
from nastk.cli.latency import latency
from nastk.cli.list import list_
from nastk.cli.predict import predict
from nastk.cli.rank import rank
from nastk.cli.report import report
from nastk.cli.search import search
from nastk.cli.show import show
from nastk.cli.transfer import transfer
from nastk.engine.signals import Stopped


@click.group(
    commands=[search, evaluate, transfer, predict, export, rank, latency, show, report, list_, config],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="nastk")
def nastk() -> None:
    """Neural architecture search for images.

    \b
    nastk search --method relativenas        find a cell (on handwritten digits, if nothing else is said)
    nastk evaluate --arch genotype.json      train the found network, report its accuracy
    nastk transfer --task cifar100           the same cell on another data set
    nastk predict RUN photo.jpg              what the trained network says of an image
    """


def main() -> None:
    """The console script: every error that a user can cause is one line, exit code 2."""
    interrupts.unwind_once()
    try:
        if "_NASTK_COMPLETE" in os.environ:  # a shell asks how a word may go on
            nastk.main(prog_name="nastk")
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # once more, while `run` was answering the first
        code = interrupts.EXIT_CODE
    interrupts.ignore()  # so that none comes while Python ends
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run a command line; returns the exit code (0, 1, 2, 130 or 143).

    click's own `main` would return the code of an Exit instead of raising it, and take a closed pipe
    for a failure.
    """
    try:
        with nastk.make_context("nastk", arguments or ["--help"]) as context:
            nastk.invoke(context)
        return 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _fail(error.format_message())
    except Stopped as stopped:  # the run has said how to go on
        return 128 + stopped.signal_number
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted", err=True)
        return interrupts.EXIT_CODE
    except BrokenPipeError:  # the reader of stdout (head, say) has seen enough
        _to_devnull(sys.stdout)
        return 0
    except ValueError as error:
        if os.environ.get("NASTK_DEBUG"):
            raise
        return _fail(str(error))
    except Exception as error:  # a fault of nastk: the traceback, and a log
        # Of stdout: whoever writes a file says which one it is.
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _to_devnull(sys.stdout)
            return _fail("stdout cannot be written: no space left on device")
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # torch: a RuntimeError
            return _fail("out of memory; try a smaller network (network.init_channels), image or batch")
        if type(error).__name__ == "OutOfMemoryError":  # not of a run's steps: drive_job knows what to try
            return _fail("out of GPU memory; does another process hold it? --device cpu needs none")
        return _report_fault(arguments)


def _fail(message: str) -> int:
    click.echo("Error: " + " ".join(message.split()), err=True)
    return 2


def _to_devnull(stream: TextIO) -> None:
    """What is still in the stream's buffer must not fail once more when Python ends."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)


def _report_fault(arguments: list[str]) -> int:
    """A fault of ours: the traceback on stderr and in a file to attach to a report."""
    text = traceback.format_exc()
    click.echo(f"{text}This is a fault of nastk.", err=True)
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="nastk-fault-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            log.write(f"nastk {__version__} {shlex.join(arguments)}\n{text}")
        click.echo(f"The log is {log.name}", err=True)
    except OSError as error:
        click.echo(f"No log could be written: {error}", err=True)
    return 1
