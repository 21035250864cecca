"""Following a running fit from another terminal."""

import io
import math
import os

import numpy as np
import pytest
from rich.console import Console

from pinnkit import fit
from pinnkit.report import ConsoleProgress, LiveFile
from pinnkit.report.live import LIVE, read_live, watch
from pinnkit.runs.storage.atomic_files import RunFolderError

from ..problems_for_tests import poisson
from .synthetic import make_record, make_run
from .test_console import START, event


def display():
    out = io.StringIO()
    return ConsoleProgress(Console(file=out, markup=False, width=100)), out


@pytest.fixture
def live(tmp_path):
    file = LiveFile(tmp_path)
    file.start(START)
    file._written_at = -math.inf
    file.diagnostics(make_record(5))
    file.progress(event("ntk-adam", 5))
    return file


def test_a_file_holds_the_state_of_a_fit(live, tmp_path):
    found = read_live(tmp_path)
    assert (found.process, found.start, found.progress) == (os.getpid(), START, event("ntk-adam", 5))
    assert (found.kernel.step, found.kernel.numerical_rank) == (5, 40)
    live.close()
    assert read_live(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_folders_created_for_a_rejected_fit_are_removed_with_the_file(tmp_path):
    file = LiveFile(tmp_path / "runs" / "one")
    file.start(START)
    assert read_live(tmp_path / "runs" / "one") is not None
    file.close()
    assert list(tmp_path.iterdir()) == []
    file = LiveFile(tmp_path / "runs" / "two")
    file.start(START)
    (tmp_path / "runs" / "two" / "summary.json").write_text("{}")
    file.close()
    assert [path.name for path in (tmp_path / "runs" / "two").iterdir()] == ["summary.json"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_come_back_as_they_were(tmp_path, value):
    file = LiveFile(tmp_path)
    file.start(START)
    file._written_at = -math.inf
    spoilt = event("p", 1)
    object.__setattr__(spoilt, "loss", value)
    file.progress(spoilt)
    found = read_live(tmp_path).progress
    np.testing.assert_array_equal(found.loss, value)
    assert found.learning_rate == spoilt.learning_rate


def test_watching_ends_with_the_fit(live, tmp_path):
    steps = iter((lambda: live.end(make_run().summary), None))
    shown, out = display()
    assert watch(tmp_path, shown, sleep=lambda _: next(steps)()) == "stopped: no further improvement"
    text = out.getvalue()
    assert "burgers: strategy auto" in text and "step 5" in text and "40 of 64 modes resolvable" in text


def test_watching_ends_when_the_file_is_removed(live, tmp_path):
    assert watch(tmp_path, display()[0], sleep=lambda _: live.close()) == "the fit has ended"


def test_a_fit_that_was_killed_is_noticed(live, tmp_path, monkeypatch):
    def gone(process, signal):
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    assert "died before" in watch(tmp_path, display()[0])


def test_a_process_id_that_cannot_exist_counts_as_dead(live, tmp_path):
    text = (tmp_path / LIVE).read_text().replace(f'"process":{os.getpid()}', f'"process":{2**62}')
    (tmp_path / LIVE).write_text(text)
    assert "died before" in watch(tmp_path, display()[0])


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\x00", b'{"process": 1, "start": [], "progress": null}'])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / LIVE).write_bytes(content)
    with pytest.raises(RunFolderError, match="cannot read"):
        watch(tmp_path, display()[0])


def test_a_progress_of_other_shape_is_refused(live, tmp_path):
    text = (tmp_path / LIVE).read_text().replace('"phase":"ntk-adam"', '"phase":3')
    (tmp_path / LIVE).write_text(text)
    with pytest.raises(RunFolderError, match="cannot read"):
        watch(tmp_path, display()[0])


def test_a_folder_that_cannot_be_written_does_not_stop_a_fit(tmp_path):
    (tmp_path / "file").write_text("")
    run = fit(poisson(), strategy="adam", steps=2, width=4, depth=1, callbacks=[LiveFile(tmp_path / "file" / "run")])
    assert run.summary.steps == 2
