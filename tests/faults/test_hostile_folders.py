"""Hostile run folders and names: nothing is written outside, nothing is executed or imported."""

import json
import os
import shutil
import sys

import msgspec
import numpy as np
import pytest

import pinnkit
from pinnkit import Checkpoints, Problem, ProblemError, Run, RunFolderError, Terminated, fit
from pinnkit.cli.app import main
from pinnkit.runs.storage.atomic_files import summed
from pinnkit.runs.storage.checkpoint_folder import checkpoints, newest_intact
from pinnkit.runs.storage.manifest import Manifest
from tests.problems_for_tests import LINE, poisson
from tests.report.hostile import HOSTILE

pytestmark = pytest.mark.faults

RUN = {"strategy": "adam", "steps": 200, "points": 16, "width": 6, "depth": 1}

PATHS = (
    "../outside",
    "../../outside",
    "a/../../outside",
    "/outside",
    "//outside",
    "./../outside",
    "..",
    ".",
    "",
    "state/../../../outside",
    "~/outside",
    "$HOME/outside",
    "`touch outside`",
    "$(touch outside)",
    "; touch outside",
    "| touch outside",
    "outside\0.json",
    "outside\n",
    "\\\\server\\outside",
    "C:\\outside",
    "file:///outside",
    "con",
    "-rf",
    "*",
    "\u202eoutside",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    fit(poisson(), **RUN, checkpoints=Checkpoints(folder, None, every_steps=100)).save(folder)
    return folder


def contents(folder):
    """All files below a folder, with their bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def run(whole, tmp_path, monkeypatch):
    """A run folder beside a folder `outside` that must not change; it holds a valid copy of the run."""
    shutil.copytree(whole, tmp_path / "inside" / "run")
    shutil.copytree(whole, tmp_path / "outside" / "run")
    before = contents(tmp_path / "outside")
    monkeypatch.chdir(tmp_path / "inside")
    yield tmp_path / "inside" / "run"
    assert sorted(os.listdir(tmp_path)) == ["inside", "outside"]
    assert contents(tmp_path / "outside") == before
    assert not os.path.exists("/outside")


def rewritten(folder, **changes):
    """The newest checkpoint with another manifest, whose sums are right."""
    place = checkpoints(folder)[0]
    manifest = msgspec.structs.replace(Manifest.read(place / "manifest.json"), **changes)
    (place / "manifest.json").write_bytes(manifest.encoded())
    return place


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_a_manifest_that_names_other_files_is_refused(run, path):
    place = checkpoints(run)[0]
    files = Manifest.read(place / "manifest.json").files
    rewritten(run, files={**files, path: "0" * 64})
    assert len(newest_intact(run)[2]) == 1
    rewritten(run, files={path: next(iter(files.values()))})
    assert len(newest_intact(run)[2]) == 1


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_sums_that_name_other_files_are_refused(run, path):
    lines = (run / "SHA256SUMS").read_bytes() + f"{'0' * 64}  {path}\n".encode()
    (run / "SHA256SUMS").write_bytes(lines)
    with pytest.raises(RunFolderError) as caught:
        Run.load(run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_run_that_says_it_had_other_settings_is_refused_and_nothing_is_run(run, name, capsys):
    """Whatever settings a checkpoint records, no name in them is imported, called or opened."""
    manifest = Manifest.read(checkpoints(run)[0] / "manifest.json")
    for changes in (
        {"settings": {**manifest.settings, "strategy": name, name: name}},
        {"settings": {**manifest.settings, "sampler": "os:system", "model": name}},
        {"problem": {**manifest.problem, "problem": name, name: name}},
        {"versions": {**manifest.versions, "pinnkit": name}},
    ):
        rewritten(run, **changes)
        before = set(sys.modules)
        with pytest.raises(RunFolderError):
            fit(poisson(), **RUN, resume=run)
        assert set(sys.modules) == before
    (run.parent / "mine.py").write_text(
        "from pinnkit import *\nd = Interval(x=(0.0, 1.0))\n"
        "mine = Problem('poisson', d, {'pde': Condition(lambda u: u.xx, on=d.interior)})"
    )
    rewritten(run, settings={**manifest.settings, "strategy": name})
    assert main(["solve", "mine.py", "--output", "run", "--resume"]) == 2
    out, err = capsys.readouterr()
    lines = err.removesuffix("\n").split("\n")
    assert out == "" and all(line.isprintable() for line in lines)
    assert [line for line in lines if line.startswith("pinnkit: error: ")] == lines[-1:]  # after what `solve` was doing


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_problem_cannot_have_a_hostile_name(name):
    """The name of a problem becomes the name of a folder."""
    with pytest.raises(ProblemError):
        Problem(f"{name}/" if name.isidentifier() else name, LINE, poisson().conditions)


@pytest.mark.parametrize(
    "linked", ["checkpoints", "summary.json", "history.npz", "parameters.safetensors", "SHA256SUMS"]
)
def test_links_to_elsewhere_are_not_followed(run, linked):
    """Neither read through nor written through, although the target is valid: following it would raise no error."""
    victim = run / linked
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    victim.symlink_to(run.parents[1] / "outside" / "run" / linked)
    if linked == "checkpoints":
        for arguments in ({"resume": run}, {"checkpoints": Checkpoints(run, overwrite=True)}):
            with pytest.raises(RunFolderError, match="symbolic link"):
                fit(poisson(), **RUN, **arguments)
        return
    with pytest.raises(RunFolderError, match="symbolic link"):
        pinnkit.load(run, poisson())
    fit(poisson(), **RUN).save(run)  # replaces the link itself
    assert not victim.is_symlink()
    pinnkit.load(run, poisson())


@pytest.mark.parametrize("linked", [".lock", "live.json", "report.html"])
def test_links_are_not_written_through(run, linked):
    target = run.parents[1] / "outside" / "run" / "config.toml"
    (run / linked).unlink(missing_ok=True)
    (run / linked).symlink_to(target)
    (run.parent / "mine.py").write_text(
        "from pinnkit import *\nd = Interval(x=(0.0, 1.0))\n"
        "mine = Problem('mine', d, {'pde': Condition(lambda u: u.xx + 1, on=d.interior)})"
    )
    words = ["solve", "mine.py", "--strategy", "adam", "--steps", "3", "--points", "8", "--output", "run", "--quiet"]
    is_refused = linked == ".lock"
    assert main([*words, "--overwrite"]) == (2 if is_refused else 0)
    assert (run / linked).is_symlink() == is_refused


@pytest.mark.parametrize("payload", [b"\x80\x04\x95", b"cos\nsystem\n(S'touch outside'\ntR.", b"!!python/object"])
def test_pickles_are_not_read(run, payload):
    """Neither as a file of their own nor as objects in an archive."""
    files = {name: (run / name).read_bytes() for name in ("summary.json", "config.toml", "history.npz")}
    for name in files:
        for path, data in summed({**files, name: payload}).items():
            (run / path).write_bytes(data)
        with pytest.raises(RunFolderError, match="is damaged"):
            Run.load(run)
    arrays = {"dimensions": np.array(json.dumps({"loss": ["step"]})), "loss": np.array([print], object)}
    np.savez(run / "objects.npz", allow_pickle=True, **arrays)
    for path, data in summed({**files, "history.npz": (run / "objects.npz").read_bytes()}).items():
        (run / path).write_bytes(data)
    with pytest.raises(RunFolderError, match="is damaged"):
        Run.load(run)


def test_another_format_is_refused_by_its_number(run):
    rewritten(run, format=2)
    with pytest.raises(RunFolderError, match="has format 2, and this pinnkit reads format 1"):
        fit(poisson(), **RUN, resume=run)


def test_an_exit_status_is_that_of_the_signal():
    assert Terminated("told", 15).code == 143 and str(Terminated("told", 15)) == "told"
