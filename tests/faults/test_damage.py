"""Checkpoints whose files change, shrink or go: noticed, told in one line, and fallen back from."""

import random
import shutil

import numpy as np
import pytest

import pinnkit
from pinnkit import Checkpoints, CheckpointWarning, RunFolderError, fit
from pinnkit.runs.storage.checkpoint_folder import checkpoints, newest_intact
from tests.problems_for_tests import poisson

pytestmark = pytest.mark.faults

RUN = {"strategy": "adam", "steps": 300, "points": 16, "width": 6, "depth": 1}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run folder with three checkpoints, and the solution."""
    folder = tmp_path_factory.mktemp("whole")
    solution = fit(poisson(), **RUN, checkpoints=Checkpoints(folder, None, every_steps=100))
    assert [path.name for path in checkpoints(folder)] == ["300", "278", "100"]
    return folder, solution


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    return tmp_path / "run"


def files(place):
    return sorted(path for path in place.rglob("*") if path.is_file())


def count(whole):
    return len(files(whole / "checkpoints" / "300"))


def flip(path, moment):
    """One bit, wherever."""
    data = bytearray(path.read_bytes())
    place = moment.randrange(8 * len(data))
    data[place // 8] ^= 1 << (place % 8)
    path.write_bytes(data)


def truncate(path, moment):
    data = path.read_bytes()
    path.write_bytes(data[: moment.randrange(len(data))])


def assert_falls_back(folder, to="278", damaged=1):
    place, _, lines = newest_intact(folder)
    assert place.name == to
    assert len(lines) == damaged and all("\n" not in line for line in lines)
    assert f"checkpoint '300' in '{folder}' is damaged: " in lines[0]


@pytest.mark.parametrize("number", range(100))
def test_a_flipped_bit_is_noticed(run, number):
    """In every file in turn."""
    found = files(run / "checkpoints" / "300")
    flip(found[number % len(found)], random.Random(number))
    assert_falls_back(run)


@pytest.mark.parametrize("number", range(20))
def test_a_truncated_file_is_noticed(run, number):
    found = [path for path in files(run / "checkpoints" / "300") if path.stat().st_size]
    truncate(found[number % len(found)], random.Random(number))
    assert_falls_back(run)


def test_every_file_that_is_missing_is_noticed(run, tmp_path):
    for number in range(len(files(run / "checkpoints" / "300"))):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(run, copy)
        files(copy / "checkpoints" / "300")[number].unlink()
        assert_falls_back(copy)


def test_a_file_too_many_and_a_link_in_place_of_a_file_are_noticed(run, tmp_path):
    shutil.copytree(run, tmp_path / "other")
    (run / "checkpoints" / "300" / "state" / "more").write_text("more")
    assert_falls_back(run)
    victim = files(tmp_path / "other" / "checkpoints" / "300")[-1]
    kept = tmp_path / "kept"
    victim.rename(kept)
    victim.symlink_to(kept)  # the very same bytes
    assert_falls_back(tmp_path / "other")


@pytest.mark.parametrize("harm", [flip, truncate])
def test_the_fit_goes_on_from_the_previous_step_to_the_same_end(run, whole, harm):
    harm(files(run / "checkpoints" / "300")[3], random.Random(1))
    with pytest.warns(CheckpointWarning) as told:
        solution = fit(poisson(), **RUN, resume=run)
    assert len(told) == 1 and str(told[0].message).endswith("; going on from '278'")
    x = np.linspace(0, 1, 9)
    np.testing.assert_array_equal(solution(x=x), whole[1](x=x))
    np.testing.assert_array_equal(solution.history.loss, whole[1].history.loss)
    place, manifest, damaged = newest_intact(run)
    assert manifest.finished and manifest.step == 300 and not damaged
    assert checkpoints(run) == [place, run / "checkpoints" / "278"]  # what is damaged goes with the next that is intact


def test_where_none_is_intact_there_is_nothing_to_go_on_from(run):
    for place in checkpoints(run):
        flip(files(place)[0], random.Random(2))
    with pytest.raises(RunFolderError, match=r"no checkpoint is intact: checkpoint '300' .* \(and 2 more\)$"):
        fit(poisson(), **RUN, resume=run)
    assert [path.name for path in checkpoints(run)] == ["300", "278", "100"]


@pytest.mark.parametrize("number", range(20))
def test_damage_to_a_run_folder_is_noticed(whole, tmp_path, number):
    """Of the files of a finished run as well."""
    folder, moment = whole[1].save(tmp_path / "run"), random.Random(number)
    names = ["summary.json", "config.toml", "history.npz", "parameters.safetensors", "SHA256SUMS"]
    harm = (flip, truncate)[number % 2]
    harm(folder / names[number % 5], moment)
    with pytest.raises(RunFolderError) as caught:
        pinnkit.load(folder, poisson())
    assert "is damaged" in str(caught.value) and "\n" not in str(caught.value)
