"""Disks that are full, folders that vanish: what is older stays, and nothing claims to be saved."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from pinnkit import Callback, Checkpoints, CheckpointWarning, RunFolderError, fit
from pinnkit.runs.storage.checkpoint_folder import check, checkpoints, newest_intact
from tests.problems_for_tests import poisson

from .processes import ENVIRONMENT, ROOT, begin, finish, undisturbed

pytestmark = pytest.mark.faults

RUN = {"strategy": "adam", "steps": 500, "points": 16, "width": 6, "depth": 1}


@pytest.fixture(scope="module")
def undisturbed_end():
    return fit(poisson(), **RUN)


class At(Callback):
    """Does something at a step, or as soon after it as somebody looks."""

    def __init__(self, step, what):
        self.step, self.what = step, what

    def progress(self, event):
        if event.step >= self.step:
            self.step = float("inf")
            self.what()


def assert_same_end(solution, other):
    np.testing.assert_array_equal(solution.history.loss, other.history.loss)
    x = np.linspace(0, 1, 9)
    np.testing.assert_array_equal(solution(x=x), other(x=x))


def test_files_that_may_not_grow_leave_older_checkpoints_and_the_fit_ends_as_ever(tmp_path):
    """As where a disk is full: writes fail in the middle of a file."""
    told, err = finish(begin("adam", tmp_path, "--limit", "2000", "--at", "1500", "--seconds", "0.1"))
    assert told["sum"] == undisturbed("adam")
    lines = err.splitlines()
    assert lines and all(line.startswith("warning: cannot write a checkpoint to ") for line in lines)
    assert "the newest is that of step" in lines[0]
    place, manifest, damaged = newest_intact(tmp_path)
    assert not damaged and manifest.step <= 1500 + 500
    assert not [name for name in os.listdir(tmp_path / "checkpoints") if name.startswith(".")]
    assert place.parent == tmp_path / "checkpoints"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_leaves_older_checkpoints_and_the_fit_ends_as_ever(small_disk, undisturbed_end):
    folder, plug = small_disk / "run", small_disk / "plug"

    def fill():
        with plug.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()

    def fill_up():
        try:
            fill()
        except OSError:
            pass

    with pytest.warns(CheckpointWarning, match="No space left|no space left") as told:
        solution = fit(
            poisson(), **RUN, checkpoints=Checkpoints(folder, None, every_steps=100), callbacks=[At(300, fill_up)]
        )
    assert len(told) == 1, [str(one.message) for one in told]
    assert_same_end(solution, undisturbed_end)
    newest = newest_intact(folder)
    assert newest[2] == [] and newest[1].step <= 300
    with pytest.raises(RunFolderError, match="No space left"):
        solution.save(folder)
    plug.unlink()
    assert_same_end(fit(poisson(), **RUN, resume=folder), undisturbed_end)
    assert not [name for name in os.listdir(folder) if name.startswith(".s")]


def test_the_command_line_does_not_claim_what_a_full_disk_refused(small_disk):
    (small_disk / "plug").write_bytes(bytes(3 * 2**20 - 8192))
    code = "import sys; from pinnkit.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "solve", "poisson_1d", "--strategy", "adam", "--steps", "50"]
    run = subprocess.run(
        [*command, "--output", str(small_disk / "run"), "--plain"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=ROOT,
    )
    assert run.returncode == 2
    assert "written to" not in run.stdout and "Traceback" not in run.stderr
    assert "error: cannot write to" in run.stderr.splitlines()[-1]


def test_a_folder_that_vanishes_is_made_again(tmp_path, undisturbed_end):
    folder = tmp_path / "run"
    plan = Checkpoints(folder, None, every_steps=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)  # if it goes in the middle of a write
        solution = fit(
            poisson(), **RUN, checkpoints=plan, callbacks=[At(300, lambda: folder.rename(tmp_path / "gone"))]
        )
    assert_same_end(solution, undisturbed_end)
    assert newest_intact(folder)[1].step == 500
    assert all(check(place) for place in checkpoints(folder))


def test_a_folder_that_becomes_a_file_is_warned_of_once(tmp_path, undisturbed_end):
    folder = tmp_path / "run"

    def replace():
        folder.rename(tmp_path / "gone")
        folder.write_text("mine")

    plan = Checkpoints(folder, None, every_steps=100)
    with pytest.warns(CheckpointWarning, match="cannot write a checkpoint") as told:
        solution = fit(poisson(), **RUN, checkpoints=plan, callbacks=[At(300, replace)])
    assert len(told) == 1
    assert_same_end(solution, undisturbed_end)
    assert folder.read_text() == "mine"
    with pytest.raises(RunFolderError, match="cannot write to"):
        solution.save(folder)
    assert folder.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_refused_before_the_first_step(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RunFolderError, match="Permission denied"):
        fit(poisson(), **RUN, checkpoints=tmp_path / "run")


def test_a_read_only_file_system_is_refused_before_the_first_step(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RunFolderError, match="Read-only"):
        fit(poisson(), **RUN, checkpoints=small_disk / "run")


def test_an_error_in_somebody_elses_code_keeps_the_state(tmp_path, undisturbed_end):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(poisson(), **RUN, checkpoints=Checkpoints(tmp_path, None), callbacks=[At(300, fail)])
    assert newest_intact(tmp_path)[1].step == 278  # where the loop last stood between two stretches
    assert_same_end(fit(poisson(), **RUN, resume=tmp_path), undisturbed_end)
