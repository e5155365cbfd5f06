"""The run directory: written so that a crash at any moment loses nothing."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nastk.run import Run, RunError, read_json_file


@pytest.fixture
def run(tmp_path):
    run = Run.create(tmp_path / "a/b/run")
    yield run
    run.close()


def _again(run: Run) -> Run:
    run.write_text("config.yaml", "")
    run.close()
    return Run.open(run.path)


def test_replacing(run):
    run.write_text("x", "old ä")
    run.write_text("x", "new ä")
    assert run.read_text("x") == "new ä"
    assert os.listdir(run.path) == ["x"]
    assert run.has("x") and not run.has("y")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_replacing_that_fails(run, error):
    run.write_text("x", "old")
    with pytest.raises(error), run.replacing("x") as temporary:
        temporary.write_text("half")
        raise error
    assert os.listdir(run.path) == ["x"]
    assert run.read_text("x") == "old"


@pytest.fixture
def mine(tmp_path):
    """A file outside of the run, which nothing may change."""
    path = tmp_path / "mine"
    path.write_text("mine\n")
    yield path
    assert path.read_text() == "mine\n"


LINKS = {"symbolic link": os.symlink, "hard link": os.link, "pipe": lambda _, path: os.mkfifo(path)}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("name", ["checkpoint.pt", "config.yaml", "x"])
def test_what_lies_where_a_temporary_file_will(kind, name, run, mine):
    LINKS[kind](mine, run.path / f".{name}.tmp")
    run.write_text(name, "text")
    assert (run.read_text(name), os.listdir(run.path)) == ("text", [name])
    assert not (run.path / name).is_symlink()


def test_a_temporary_file_that_links_to_nothing(run, tmp_path):
    os.symlink(tmp_path / "new", run.path / ".x.tmp")
    run.write_text("x", "text")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", LINKS)
def test_a_result_that_is_a_link_is_replaced(kind, run, mine):
    LINKS[kind](mine, run.path / "x")
    run.write_text("x", "text")
    assert run.read_text("x") == "text"


def test_a_directory_where_a_temporary_file_will_lie(run):
    (run.path / ".x.tmp").mkdir()
    with pytest.raises(RunError, match=r"/\.x\.tmp: "):
        run.write_text("x", "text")


@pytest.mark.parametrize("kind", ["symbolic link", "pipe"])
def test_metrics_that_are_another_file(kind, run, mine):
    """They alone are written in place, and cut where a line is torn."""
    run.write_text("config.yaml", "")
    run.close()
    LINKS[kind](mine, run.path / "metrics.jsonl")
    with pytest.raises(RunError, match=r"metrics\.jsonl: not a file of this run"):
        Run.open(run.path)


def test_order_of_a_replacement(run, monkeypatch):
    """The content is on the disk before it has the name, and the name before it is relied upon."""
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("replace"), replace(*names))[1])
    run.write_text("x", "text")
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_errors_of_the_disk(run, where, monkeypatch):
    run.write_text("x", "old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, where, fail)
        with pytest.raises(RunError, match=r"/x: No space left on device$"):
            run.write_text("x", "new")
    assert os.listdir(run.path) == ["x"]
    assert run.read_text("x") == "old"


def test_file_that_is_missing(run):
    with pytest.raises(RunError, match=r"/x: No such file or directory$"):
        run.read_text("x")


def test_run_directory_that_was_taken_away(run):
    run.path.rmdir()
    with pytest.raises(RunError, match="No such file or directory"):
        run.write_text("x", "text")
    with pytest.raises(RunError, match=r"metrics\.jsonl: No such file or directory$"):
        run.append_metrics(1, {})


def test_metrics(run):
    assert run.read_metrics() == []
    run.append_metrics(1, {"phase": "a\u2028b", "loss": 0.1})
    run.append_metrics(2, {"phase": "b", "list": [1, 2]})
    assert run.read_metrics() == [
        {"step": 1, "phase": "a\u2028b", "loss": 0.1},
        {"step": 2, "phase": "b", "list": [1, 2]},
    ]


def test_a_step_has_one_line(run):
    for step in (1, 2, 1, 2, 3):
        run.append_metrics(step, {})
    again = _again(run)
    for step in (2, 3, 4):
        again.append_metrics(step, {})
    again.close()
    assert [row["step"] for row in again.read_metrics()] == [1, 2, 3, 4]


def test_numbers_that_json_has_not(run):
    infinite = {"a": float("nan"), "b": [float("inf"), (1.0, float("-inf"))], "c": {"d": float("nan")}}
    run.append_metrics(1, infinite)
    run.write_json("x.json", infinite)
    expected = {"a": None, "b": [None, [1.0, None]], "c": {"d": None}}
    assert run.read_metrics() == [{"step": 1} | expected]
    assert json.loads(run.read_text("x.json")) == expected


@pytest.mark.parametrize("torn", [b"", b"{", b'{"step": 2', b'{"step": 2}', b"\0\0\0", b"\xff"])
def test_torn_last_line(run, torn):
    run.append_metrics(1, {})
    with open(run.path / "metrics.jsonl", "ab") as file:
        file.write(torn)
    again = _again(run)
    assert again.last_logged == 1
    again.append_metrics(2, {})
    again.close()
    assert [row["step"] for row in again.read_metrics()] == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 1e400}',
        '{"step": 1.0}',
        '{"step": true}',
        '{"step": -1}',
        '{"step": "1"}',
        '{"step": 1, "loss": NaN}',
        '{"step": 1, "loss": -Infinity}',
        '{"step": 1, "loss": -1e999}',
        '{"step": ' + "9" * 5000 + "}",
        '{"step": ' + "9" * 400 + "}",
        '{"step": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' * 100_000,
        '["step"]',
        "[]",
        "1",
        "{}",
        "",
        "\udc80",
    ],
    ids=lambda line: line[:20],
)
def test_damaged_lines(line, run):
    path = run.path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line.encode(errors="surrogateescape") + b"\n")
    with pytest.raises(RunError) as refused:
        run.read_metrics()
    assert str(refused.value).startswith(f"{path}: ") and len(str(refused.value)) < len(str(path)) + 150
    assert "\n" not in str(refused.value)
    with pytest.raises(RunError, match="the last line is damaged; remove it to resume"):
        _again(run)


@pytest.mark.parametrize("name", ["details.json", "ranking.json", "summary.json"])
def test_results_that_are_read_back(name, run):
    run.write_json(name, {"score": [1.5, None], "leaf": "ä"})
    assert read_json_file(run.path / name) == {"score": [1.5, None], "leaf": "ä"}
    for content in (b"", b"{", b"\xff", b"1e400", b"NaN", b"[" * 100_000, b"9" * 5000):
        (run.path / name).write_bytes(content)
        with pytest.raises(RunError) as refused:
            read_json_file(run.path / name)
        message = str(refused.value)
        assert message.startswith(f"{run.path / name}: ") and "\n" not in message
        assert len(message) < len(str(run.path)) + 100
    (run.path / name).unlink()
    with pytest.raises(RunError, match=f"{name}: No such file"):
        read_json_file(run.path / name)


def test_a_torn_line_stays_where_resuming_is_refused(run):
    path = run.path / "metrics.jsonl"
    path.write_bytes(b"damaged\n{")
    with pytest.raises(RunError, match="damaged"):
        _again(run)
    assert path.read_bytes() == b"damaged\n{"


def test_nothing_but_a_torn_line(run):
    (run.path / "metrics.jsonl").write_bytes(b'{"st')
    again = _again(run)
    again.close()
    assert (again.last_logged, again.read_metrics()) == (-1, [])


def test_new_run_directories(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full/sub").mkdir(parents=True)
    Run.create(tmp_path / "empty").close()
    for name, message in (
        ("file", "is a file"),
        ("file/sub", "is a file"),
        ("full", "is not empty"),
        ("x" * 300, "File name too long"),
    ):
        for make in (Run.create, Run.check_new):
            with pytest.raises(RunError, match=message):
                make(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "full"]


def test_a_start_that_fails_leaves_nothing(tmp_path):
    """Before there is a config.yaml there is nothing to continue; afterwards all stays."""
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        for _ in range(2):
            run = Run.create(tmp_path / name)
            with pytest.raises(UnicodeEncodeError):
                run.begin("", {"genotype.json": "{}", "cell_normal.svg": "half\ud800"})
            run.close()
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]
    run = Run.create(tmp_path / "new")
    run.begin("", {"genotype.json": "{}"})
    run.close()
    assert sorted(os.listdir(tmp_path / "new")) == ["config.yaml", "genotype.json"]


def test_a_start_that_fails_takes_only_its_own_away(tmp_path):
    run = Run.create(tmp_path / "run")
    (run.path / "note.txt").write_text("somebody's")
    run.close()
    run.close()
    assert os.listdir(run.path) == ["note.txt"]


class Killed(BaseException):
    """The process ends here: nothing that it had still to do is done."""


# In their order: the writings of two files and of config.yaml, then the two files' getting their names.
@pytest.mark.parametrize("replacement", range(5))
def test_a_start_that_is_killed_leaves_a_whole_run_or_none(replacement, tmp_path, monkeypatch):
    """Each rename is where something changes; the hidden files of one that became none are not those of the next."""
    replace, calls = os.replace, []

    def replace_or_die(*names: object) -> None:
        calls.append(names)
        if len(calls) > replacement:
            raise Killed
        replace(*names)  # type: ignore[arg-type]

    run = Run.create(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_or_die)
        with pytest.raises(Killed):
            run.begin("config", {"genotype.json": "{}", "old.svg": "old"})
    os.close(run._lock)  # as the system does: `close` is not reached
    if replacement < 3:
        run = Run.create(tmp_path / "run")
        run.begin("config", {"genotype.json": "{}"})
    else:
        run = Run.open(tmp_path / "run")
        assert run.read_text("old.svg") == "old"
        (run.path / "old.svg").unlink()
    run.close()
    assert sorted(os.listdir(run.path)) == ["config.yaml", "genotype.json"]
    assert run.read_text("genotype.json") == "{}"


def test_leftovers_of_a_start_that_was_killed(tmp_path):
    """Hidden files that nobody would look for do not make a directory a full one."""
    (tmp_path / ".config.yaml.tmp").write_text("comm")
    run = Run.create(tmp_path)
    run.write_text("config.yaml", "")
    run.close()
    assert os.listdir(tmp_path) == ["config.yaml"]


def test_numbered_run_directories(tmp_path):
    runs = [Run.create(tmp_path / "runs/run", numbered=True) for _ in range(3)]
    assert [run.path.name for run in runs] == ["run", "run-2", "run-3"]
    for run in runs:
        run.close()


def test_one_process_at_a_time(run):
    """Also between processes, and until the holder ends, however it ends."""
    run.write_text("config.yaml", "")
    with pytest.raises(RunError, match="is in use by another nastk"):
        Run.open(run.path)
    run.close()
    run.close()
    code = (
        "import os, sys, time; from pathlib import Path; from nastk.run import Run\n"
        "run = Run.open(Path(sys.argv[1])); print('open', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        with pytest.raises(RunError, match="is in use by another nastk"):
            Run.open(run.path)
    finally:
        holder.kill()
        holder.communicate()
    Run.open(run.path).close()


def test_file_system_without_locks(tmp_path, monkeypatch):
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    first, second = Run.create(tmp_path / "run"), Run.create(tmp_path / "run")
    assert first.path == second.path
    first.close()


def test_what_is_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    for name, message in ((".", "is no run directory"), ("file", "is no run"), ("nowhere", "does not exist")):
        with pytest.raises(RunError, match=message):
            Run.open(Path(tmp_path, name))


def test_an_error_leaves_the_directory_free(run):
    run.write_text("config.yaml", "")
    (run.path / "metrics.jsonl").write_text("damaged\n")
    run.close()
    for _ in range(2):
        with pytest.raises(RunError, match="the last line is damaged"):
            Run.open(run.path)
