"""Fits that are killed, and go on to the same end."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from pinnkit.runs.storage.checkpoint_folder import newest_intact

from .processes import ENVIRONMENT, begin, is_writing, names, undisturbed, wait_until
from .worker import KINDS, ended

pytestmark = pytest.mark.faults

KILLS = [(list(KINDS)[number % len(KINDS)], number) for number in range(50)]


@pytest.mark.parametrize(("kind", "number"), KILLS)
def test_a_fit_that_is_killed_goes_on_to_the_same_end(tmp_path, kind, number):
    """Half of them inside a write, half between two; not before one checkpoint is complete."""
    moment, inside = random.Random(number), number % 10 < 5
    process = begin(kind, tmp_path)
    assert wait_until(lambda: names(tmp_path), process)
    for _ in range(moment.randrange(3)):
        before = names(tmp_path)
        assert wait_until(lambda before=before: names(tmp_path) != before, process)
    assert wait_until(lambda: is_writing(tmp_path) is inside, process), "it was over before it could be killed"
    time.sleep(moment.uniform(0, 0.03 if inside else 0.1))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert names(tmp_path)
    end = ended(kind, resume=tmp_path)
    assert end["sum"] == undisturbed(kind) and len(end["resumed"]) == 1
    assert not is_writing(tmp_path)


@pytest.mark.parametrize("number", range(10))
def test_sigterm_saves_ends_with_status_143_and_the_fit_goes_on_to_the_same_end(tmp_path, number):
    kind, moment = list(KINDS)[number % len(KINDS)], random.Random(number)
    process = begin(kind, tmp_path, "--seconds", "1000")  # none is due but at first
    assert process.stdout.readline() == "begun\n"
    time.sleep(moment.uniform(0, 2))
    sent = time.time()
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143
    place, manifest, damaged = newest_intact(tmp_path)
    assert damaged == [] and not manifest.finished
    assert os.stat(place).st_mtime - sent < 5
    end = ended(kind, resume=tmp_path)
    assert end == {"sum": undisturbed(kind), "resumed": [manifest.step]}


SOLVE = ["solve", "burgers", "--strategy", "ntk-adam", "--steps", "20000", "--points", "60", "--width", "10"]


def solve(folder, *more):
    code = "import sys; from pinnkit.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *SOLVE, "--output", str(folder), "--checkpoint-seconds", "0.5", *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT, cwd=folder.parent)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_the_command_line_says_where_the_state_is(tmp_path, number, status):
    process = solve(tmp_path / "run")
    wait_until(lambda: names(tmp_path / "run") - {"0"}, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    step = newest_intact(tmp_path / "run")[1].step
    said = f"stopped by {number.name}; the state of step {step} is in '{tmp_path / 'run'}', to be resumed"
    assert process.returncode == status and out == ""
    assert err.splitlines()[-1] == f"pinnkit: {said}"
    assert sorted(os.listdir(tmp_path / "run")) in (["checkpoints"], [".lock", "checkpoints"])


def test_a_second_interrupt_ends_at_once_and_older_checkpoints_stay(tmp_path):
    process = solve(tmp_path / "run")
    wait_until(lambda: names(tmp_path / "run"), process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    newest_intact(tmp_path / "run")


def test_a_fit_in_a_folder_where_another_one_writes_is_refused(tmp_path):
    first = solve(tmp_path / "run")
    wait_until(lambda: names(tmp_path / "run"), first)
    second = solve(tmp_path / "run", "--overwrite")
    out, err = second.communicate(timeout=60)
    assert second.returncode == 2 and out == ""
    assert err.splitlines()[-1] == (
        f"pinnkit: error: another fit is writing to '{tmp_path / 'run'}'; wait until it is over, or choose another "
        "folder"
    )
    assert first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.communicate()
    third = solve(tmp_path / "run", "--resume")  # a lock does not outlive who held it
    before = names(tmp_path / "run")
    wait_until(lambda: names(tmp_path / "run") != before, third)
    third.send_signal(signal.SIGTERM)
    third.communicate(timeout=60)
    assert third.returncode == 143


def test_who_reads_may_go(tmp_path):
    """`pinnkit solve ... | head -1`: the fit ends well, its folder is written; the status is that of a broken pipe."""
    quick = [word if word != "20000" else "200" for word in SOLVE]
    code = "import sys; from pinnkit.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *quick, "--output", str(tmp_path / "run")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True, cwd=tmp_path
    )
    process.stdout.close()
    with process.stderr:
        err = process.stderr.read()
    assert process.wait(60) == 141
    assert "Traceback" not in err and "Exception" not in err
    assert (tmp_path / "run" / "summary.json").is_file()
