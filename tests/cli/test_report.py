"""nastk report: one file that needs nothing else, of runs in any state."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

import nastk as face

VOID = {"meta", "br", "img", "line", "path", "rect", "circle", "polygon", "polyline"}


class _Page(HTMLParser):
    """Checks that elements are nested as they should be; gathers ids, in-page links and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self._open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def page(nastk):
    """A function (*runs) -> the page about them."""

    def read(*runs: object) -> _Page:
        code, out, err = nastk("report", *runs, "--out", "page.html")
        assert (code, out, err) == (0, "", "report: page.html\n")
        return _Page(Path("page.html").read_text(encoding="utf-8"))

    return read


def test_a_search(finished_runs, page):
    found = page(finished_runs["search"])
    summary = json.loads((finished_runs["search"] / "summary.json").read_text())
    assert found.text.index("found a cell with validation cross entropy") < found.text.index("What was run")
    assert f"{summary['evaluated_network']['params']:,} parameters" in found.text
    command = re.search(r"To run it again: (nastk search .*?) The whole configuration", found.text)[1]
    assert (
        command
        == json.loads((finished_runs["search"] / "genotype.json").read_text())["provenance"]["command"]
    )
    assert {"run-what", "run-curves", "run-cells", "run-ranking"} == set(found.ids)
    assert summary["versions"]["torch"] in found.text and summary["device"] in found.text
    assert "normal cell" in found.text and "reduction cell" in found.text


def test_an_evaluation_with_its_test_figures(finished_runs, page, tmp_path):
    shutil.copytree(finished_runs["evaluate"], tmp_path / "run <b>&")
    found = page("run <b>&")
    assert found.text.startswith("run <b>&: report")
    assert "darts-v2 trained on digits: test accuracy" in found.text
    assert "To run it again: nastk evaluate --arch darts-v2 " in found.text
    assert "Most often confused" in found.text and {"run-test", "run-worst"} <= set(found.ids)
    assert "balanced accuracy, %" in found.text and ", taken for " in found.text


def test_what_a_run_of_another_cell_is_run_again_with(finished_runs, page, tmp_path):
    """No cell of that name is known: the run has its file."""
    run = shutil.copytree(finished_runs["evaluate"], tmp_path / "run")
    content = json.loads((run / "genotype.json").read_text())
    content["provenance"]["arch"] = "mine"
    (run / "genotype.json").write_text(json.dumps(content))
    assert "nastk evaluate --arch run/genotype.json --preset" in page("run").text


def test_it_stands_alone(finished_runs, page):
    """Nothing from elsewhere, no script, ids that are unique, links that lead somewhere."""
    found = page(*finished_runs.values())
    text = Path("page.html").read_text(encoding="utf-8")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
    assert not re.search(
        r"\b(src|srcset)=(?!\"data:image/png;base64,)|url\(|@import|<script|<link|<iframe", text
    )
    assert set(re.findall(r"https?://[^\"' <)]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert not any(name.startswith("on") for name in found.attributes)
    assert len(found.ids) == len(set(found.ids))
    assert found.links and all(link[0] == "#" and link[1:] in found.ids for link in found.links)
    assert "prefers-color-scheme: dark" in text and "@media print" in text and 'name="viewport"' in text


def test_the_same_runs_give_the_same_bytes(finished_runs, page):
    page(finished_runs["search"])
    once = Path("page.html").read_bytes()
    page(finished_runs["search"])
    assert Path("page.html").read_bytes() == once


def test_a_comparison(finished_runs, page, tmp_path):
    """The best on top, if all have measured the same."""
    worse = shutil.copytree(finished_runs["evaluate"], tmp_path / "worse")
    summary = json.loads((worse / "summary.json").read_text())
    summary["score"]["value"] = summary["test_accuracy"] = -1.0
    (worse / "summary.json").write_text(json.dumps(summary))
    found = page("worse", finished_runs["evaluate"])
    assert re.search(
        r"2 runs Best by test accuracy: evaluate \(darts-v2\) .*; next worse \(darts-v2\) with -1", found.text
    )
    assert "test accuracy of 2 runs" in found.text
    assert "no best one among them" in page(*finished_runs.values()).text


def test_states(finished_runs, page, nastk, tmp_path):
    """Begun, stopped in the midst, with figures that were not finite."""
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(finished_runs["search"] / "config.yaml", run)
    found = page("run")
    assert "relativenas on digits: begun, no result yet." in found.text
    assert "nastk search --resume run" in found.text
    rows = (finished_runs["search"] / "metrics.jsonl").read_text().splitlines(keepends=True)
    bad = json.dumps(json.loads(rows[0]) | {"fast_loss": None, "step": 2}) + "\n"
    (run / "metrics.jsonl").write_text(rows[0] + bad + rows[1][:20])
    found = page("run")
    assert "stopped at step 2 of 3" in found.text and "fast_loss \u2013" in found.text
    (run / "metrics.jsonl").write_text(rows[0] + "damaged\n" + rows[1])
    code, _, err = nastk("report", "run")
    assert (code, err.count("\n")) == (2, 1) and "metrics.jsonl: line 2" in err
    assert not Path("report.html").exists()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("summary.json", "{}"),
        ("summary.json", '{"score": 3}'),
        ("ranking.json", "[]"),
        ("genotype.json", "{"),
        ("details.json", '{"stages": 3}'),
        ("details.json", '{"tree": [], "leaves": [], "chosen": 0}'),
        ("config.yaml", "command: 3"),
        ("test.json", "[]"),
    ],
)
def test_damaged_files_are_refused_in_one_line(file, text, finished_runs, nastk, tmp_path):
    kind = "evaluate" if file == "test.json" else "search"
    run = shutil.copytree(finished_runs[kind], tmp_path / "run")
    (run / file).write_text(text)
    code, out, err = nastk("report", "run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("Error: run")


def test_what_cannot_be_reported(finished_runs, nastk, tmp_path):
    run = finished_runs["search"]
    (tmp_path / "other.html").write_text("<p>mine</p>")
    (tmp_path / "empty").mkdir()
    for words, message in (
        ([run, "--out", "other.html"], "other.html is no report of nastk"),
        ([run, "--out", "."], ". is a directory"),
        ([run, "--out", "no/page.html"], "no/page.html: No such file or directory"),
        (["empty"], "empty is no run directory"),
        (["nowhere"], "nowhere is no run directory"),
        ([run, run], f"{run} is given twice"),
    ):
        code, out, err = nastk("report", *words)
        assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith(f"Error: {message}")
    assert (tmp_path / "other.html").read_text() == "<p>mine</p>"
    assert not list(tmp_path.glob(".*"))


def test_from_python(finished_runs):
    runs = [face.open(finished_runs["search"]), str(finished_runs["evaluate"])]
    assert face.write_report(runs) == Path("report.html")
    assert "2 runs" in _Page(Path("report.html").read_text(encoding="utf-8")).text
    assert face.write_report(runs[0], "one.html") == Path("one.html")
    assert "run-ranking" in Path("one.html").read_text(encoding="utf-8")
