"""Links in a run folder are not followed, whether files are read or written."""

import dataclasses
import os
import shutil

import pytest

import pinnkit
from pinnkit import Checkpoints, Run, RunFolderError, fit
from pinnkit.report import LiveFile
from pinnkit.report.live import LIVE, read_live
from pinnkit.runs.storage.checkpoint_folder import checkpoints, newest_intact
from pinnkit.runs.storage.manifest import MANIFEST

from .test_run_folder import SMALL, fixed


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A finished run with checkpoints, and its solution."""
    folder = tmp_path_factory.mktemp("saved") / "run"
    plan = Checkpoints(folder, None, every_steps=10, keep=2)
    solution = fit(fixed(), **{**SMALL, "steps": 300}, checkpoints=plan)
    solution.save(folder)
    return folder, solution


@pytest.fixture
def run(saved, tmp_path):
    """A copy, in a folder beside another one, `elsewhere`, where the very same files are."""
    shutil.copytree(saved[0], tmp_path / "run")
    shutil.copytree(saved[0], tmp_path / "elsewhere")
    return tmp_path / "run"


def link(run, name):
    """Put a link to the same thing elsewhere in its place, so that whoever follows it finds nothing wrong."""
    victim, target = run / name, run.parent / "elsewhere" / name
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    victim.symlink_to(target)
    return victim


FILES = ("summary.json", "config.toml", "history.npz", "problem.json", "parameters.safetensors", "SHA256SUMS")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_link_to_a_file_that_would_do_is_not_read(run, name):
    pinnkit.load(run, fixed())
    link(run, name)
    with pytest.raises(RunFolderError, match=f"{name}.*symbolic link"):
        pinnkit.load(run, fixed())
    with pytest.raises(RunFolderError, match="symbolic link"):
        Run.load(run)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FILES, "report.html"])
def test_a_link_is_replaced_and_not_written_through(run, saved, name):
    link(run, name)
    (target := run.parent / "elsewhere" / name).write_bytes(b"kept")
    saved[1].save(run)
    assert target.read_bytes() == b"kept" and not (run / name).is_symlink()
    pinnkit.load(run, fixed())


def test_a_link_in_place_of_a_checkpoint_is_not_followed(run):
    places = [place.name for place in checkpoints(run)]
    link(run, f"checkpoints/{places[0]}")
    place, _, damaged = newest_intact(run)
    assert place.name == places[1] and "symbolic link" in damaged[0]


@pytest.mark.parametrize("name", ["manifest.json", "state", "state/_METADATA"])
def test_a_link_in_a_checkpoint_is_not_followed(run, name):
    places = [place.name for place in checkpoints(run)]
    link(run, f"checkpoints/{places[0]}/{name}")
    place, _, damaged = newest_intact(run)
    assert place.name == places[1] and len(damaged) == 1


def test_a_link_in_place_of_all_checkpoints_is_not_followed(run):
    link(run, "checkpoints")
    for options in ({"resume": run}, {"checkpoints": run}):
        with pytest.raises(RunFolderError, match="symbolic link"):
            fit(fixed(), **{**SMALL, "steps": 300}, **options)


def test_a_link_that_is_in_the_way_of_a_checkpoint_is_removed_and_what_it_leads_to_stays(run):
    other = run.parent / "elsewhere" / "checkpoints"
    for step in range(301):
        (run / "checkpoints" / f".writing-{step}").symlink_to(other)
    before = sorted(os.listdir(other))
    fit(fixed(), **{**SMALL, "steps": 300}, checkpoints=Checkpoints(run, None, overwrite=True))
    assert sorted(os.listdir(other)) == before
    assert newest_intact(run)[1].finished


def test_a_live_file_that_is_a_link_is_not_read_and_not_written_through(tmp_path):
    from ..report.test_live import START

    (tmp_path / "elsewhere").mkdir()
    file = LiveFile(tmp_path / "elsewhere")
    file.start(START)
    (tmp_path / LIVE).symlink_to(tmp_path / "elsewhere" / LIVE)
    assert read_live(tmp_path / "elsewhere") is not None
    with pytest.raises(RunFolderError, match="symbolic link"):
        read_live(tmp_path)
    before = (tmp_path / "elsewhere" / LIVE).read_bytes()
    LiveFile(tmp_path).start(dataclasses.replace(START, problem="another"))
    assert (tmp_path / "elsewhere" / LIVE).read_bytes() == before
    assert read_live(tmp_path).start.problem == "another"


def test_a_pipe_in_place_of_a_file_is_not_waited_for(run):
    for name in ("summary.json", "SHA256SUMS", f"checkpoints/{checkpoints(run)[0].name}/{MANIFEST}"):
        (run / name).unlink()
        os.mkfifo(run / name)
    with pytest.raises(RunFolderError, match="no regular file"):
        Run.load(run)
    assert "no regular file" in newest_intact(run)[2][0]
