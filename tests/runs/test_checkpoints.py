"""Checkpoints on disk: all or nothing, summed, newest first; files of a folder written together."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from pinnkit import RunFolderError
from pinnkit.runs.resume.fingerprint import difference
from pinnkit.runs.storage.atomic_files import check_writable, read_files, summed, write_files
from pinnkit.runs.storage.checkpoint_folder import (
    check,
    checkpoints,
    newest_intact,
    read_checkpoint,
    remove_all_but,
    write_checkpoint,
)
from pinnkit.runs.storage.lock import locked
from pinnkit.runs.storage.manifest import FORMAT, DamagedCheckpointError, Manifest

TREE = {"record": np.arange(7, dtype=np.uint8), "state": [np.array(1.5), np.eye(3), np.uint32([1, 2])]}


def write(folder, step=10, finished=False, tree=TREE):
    about = {
        "format": FORMAT,
        "step": step,
        "finished": finished,
        "problem": {},
        "settings": {"steps": 3},
        "network": {},
    }
    return write_checkpoint(folder, tree, lambda sums: Manifest(files=sums, versions={"pinnkit": "1"}, **about), step)


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    tree, manifest = read_checkpoint(write(tmp_path))
    jax.tree.map(np.testing.assert_array_equal, tree, TREE)
    assert jax.tree.leaves(jax.tree.map(lambda a, b: a.dtype == b.dtype, tree, TREE)) == 4 * [True]
    assert (manifest.step, manifest.finished, manifest.settings) == (10, False, {"steps": 3})
    assert len(manifest.files) > 3 and all(len(found) == 64 for found in manifest.files.values())


def test_checkpoints_are_found_newest_first_and_equal_steps_get_numbers(tmp_path):
    assert checkpoints(tmp_path) == []
    for step in (5, 100, 20, 100):
        write(tmp_path, step)
    (tmp_path / "checkpoints" / "notes").mkdir()
    assert [place.name for place in checkpoints(tmp_path)] == ["100.1", "100", "20", "5"]
    remove_all_but(tmp_path, checkpoints(tmp_path)[:2])
    assert sorted(os.listdir(tmp_path / "checkpoints")) == ["100", "100.1", "notes"]


def test_damage_is_told_and_the_one_before_is_taken(tmp_path):
    write(tmp_path, 1)
    newest = write(tmp_path, 2)
    (newest / "state" / "_METADATA").write_text("{}")
    with pytest.raises(DamagedCheckpointError, match="state/_METADATA has changed"):
        check(newest)
    place, _, damaged = newest_intact(tmp_path)
    assert place.name == "1"
    assert damaged == [f"checkpoint '2' in '{tmp_path}' is damaged: state/_METADATA has changed"]
    (place / "manifest.json").unlink()
    with pytest.raises(RunFolderError, match=r"no checkpoint is intact: .* \(and 1 more\)$"):
        newest_intact(tmp_path)
    with pytest.raises(RunFolderError, match="there is no checkpoint in 'nowhere' to continue from"):
        newest_intact(Path("nowhere"))


def test_what_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch):
    write(tmp_path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match="cannot write a checkpoint to '.*': No space left on device"):
        write(tmp_path, 2)
    assert os.listdir(tmp_path / "checkpoints") == ["1"]
    check(tmp_path / "checkpoints" / "1")


def test_what_a_process_left_half_written_goes_with_the_next(tmp_path):
    (tmp_path / "checkpoints" / ".writing-7" / "state").mkdir(parents=True)
    assert checkpoints(tmp_path) == []
    remove_all_but(tmp_path, [write(tmp_path, 8)])
    assert os.listdir(tmp_path / "checkpoints") == ["8"]


@pytest.mark.parametrize(
    ("begun", "now", "told"),
    [
        ({"steps": 3}, {"steps": 3}, None),
        ({"problem": "a", "steps": 3}, {"problem": "b"}, "'run' holds a run of problem 'a', not of 'b'"),
        ({"steps": 3, "seed": 0}, {"steps": None, "seed": 0}, "differs in: steps (3, now none); resume"),
        ({"equation of pde": "0" * 16}, {"equation of pde": "1" * 16}, "differs in: equation of pde; resume"),
        ({}, {"coefficient nu": 0.1}, "differs in: coefficient nu (none, now 0.1); resume"),
    ],
)
def test_differences_are_named(begun, now, told):
    found = difference(Path("run"), begun, now)
    assert found is told if told is None else told in found


def test_files_are_written_together_or_not_at_all(tmp_path):
    write_files(tmp_path, {"a": b"old", "b": b"old"})
    (tmp_path / "c").mkdir()
    with pytest.raises(RunFolderError, match="'.*c' is a folder"):
        write_files(tmp_path, {"a": b"new", "b": b"new", "c": b"new"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]
    with pytest.raises(RunFolderError, match="cannot write to"):
        write_files(tmp_path / "a" / "under", {"a": b""})


def test_sums_are_those_of_the_usual_tool(tmp_path):
    write_files(tmp_path, summed({"a": b"1", "b": b"2"}))
    assert read_files(tmp_path) == {"a": b"1", "b": b"2"}
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)
    (tmp_path / "b").write_bytes(b"3")
    with pytest.raises(RunFolderError, match="is damaged: b is not what was written"):
        read_files(tmp_path)


def test_one_at_a_time_writes_to_a_folder(tmp_path):
    folder = tmp_path / "new" / "run"
    with locked(folder):
        with locked(folder):  # the same one, from elsewhere in it
            pass
        imports = "from pathlib import Path; from pinnkit.runs.storage.lock import locked"
        code = f"{imports}\nwith locked(Path({str(folder)!r})): pass"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "another fit is writing to" in other.stderr
    assert os.listdir(tmp_path) == []  # what was made for it is gone
    check_writable(folder)
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("")
    for refuse in (check_writable, lambda path: locked(path).__enter__()):
        with pytest.raises(RunFolderError, match="cannot write to"):
            refuse(tmp_path / "file")
