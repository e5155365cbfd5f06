"""Many files read by several processes: the same as by threads, whatever becomes of the processes."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from nastk.data import file_index, index_file, processes
from nastk.data.decoding import read_header
from nastk.data.processes import reading_by
from nastk.data.reading import attempt_all
from nastk.data.sources import load_images
from nastk.schema import DataConfig


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(processes, "MANY", 1)
    monkeypatch.setattr(processes, "_AT_A_TIME", 2)


@pytest.fixture(autouse=True)
def none_stays():
    before = {*multiprocessing.active_children()}
    yield
    assert {*multiprocessing.active_children()} <= before


@pytest.fixture
def not_here(monkeypatch):
    """What this process reads itself is its list of paths."""
    monkeypatch.setattr(processes, "attempt_all", lambda read, paths, threads, *, enough=None: [*paths])


@pytest.fixture
def paths(write_folder) -> list[str]:
    """Of 11 files of which every second one is none."""
    place = write_folder(splits=("train",), classes=("a",), per_class=11) / "train" / "a"
    for number in range(0, 11, 2):
        (place / f"{number}.png").write_bytes(b"")
    return [str(place / f"{number}.png") for number in range(11)]


@pytest.mark.parametrize("enough", [None, 1, 3, 6, 7])
def test_as_by_threads(paths, enough, not_here):
    with reading_by(2, len(paths)) as attempt:
        found = attempt(read_header, paths, 2, enough=enough)
    assert found == attempt_all(read_header, paths, 2, enough=enough)


@pytest.mark.parametrize(("workers", "num_files"), [(0, 100), (1, 100), (2, 0)])
def test_few_files_and_few_workers_need_none(workers, num_files, not_here):
    with reading_by(workers, num_files) as attempt:
        assert attempt is processes.attempt_all


def test_where_a_process_is_killed_threads_read_on(not_here):
    with reading_by(2, 4) as attempt:
        assert attempt(os._exit, [1, 1, 1, 1], 2) == [1, 1, 1, 1]
        assert attempt(os._exit, [1], 2) == [1]


def test_one_interrupt_ends_it():
    """The processes, which never see it, finish what they have in hand."""
    main = threading.main_thread().ident

    def interrupt():
        while not multiprocessing.active_children():
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt), reading_by(2, 10**6) as attempt:
        thread.start()
        attempt(time.sleep, [0.01] * 10**6, 2)  # hours of it
    thread.join()


@pytest.mark.parametrize("resident_mib", [0, 1])
def test_a_set_is_the_same(write_folder, monkeypatch, tmp_path, resident_mib):
    folder = write_folder(splits=("train",))
    (folder / "train" / "a" / "0.png").write_bytes(b"")

    def load(workers):
        config = DataConfig(
            dataset=str(folder),
            workers=workers,
            skip_corrupt=True,
            test_portion=0,
            resident_mib=resident_mib,
            dir=str(tmp_path / f"cache-{workers}"),
        )
        images = load_images(config, "train")
        return images.notes, images.fingerprint, images.mean, images.labels.tolist()

    monkeypatch.setattr(index_file, "FEWEST", 1)
    monkeypatch.setattr(file_index, "SETTLED", 0)
    first = load(2)
    assert first == load(1)
    assert first == load(2)
