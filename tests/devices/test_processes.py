"""Runs `test_sharded` where there are several devices, and `pinnkit launch`."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pinnkit.cli.app import main

from ..faults.processes import wait_until

ROOT = Path(__file__).parents[2]

TESTS = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]

FAST = ["-m", "not slow and not benchmark and not faults"]

SOME = "loss or in_order or normal or digits or channels or poisson_2d or leading"
"""What two processes run by default; the whole module passes too."""

SOLVE = ["solve", "burgers", "--strategy", "ntk-adam", "--points", "60", "--width", "10", "--quiet"]


def environment(**own):
    return {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT), **own}


def launched(folder, steps, **options):
    command = [sys.executable, "-m", "pinnkit.cli", "launch", "-n", "2", *SOLVE, "--steps", str(steps)]
    command += ["-o", str(folder), "--checkpoint-steps", "100"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(), **options)


def process_of(parent, index):
    """The process number of a member of a team."""
    for entry in Path("/proc").iterdir():
        try:
            status, line = (entry / "stat").read_text(), (entry / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        is_child = int(status.rpartition(")")[2].split()[1]) == parent.pid
        if is_child and b"--index" in line and line[line.index(b"--index") + 1] == str(index).encode():
            return int(entry.name)
    return None


@pytest.mark.slow
def test_eight_devices():
    command = [*TESTS, "tests/devices/test_sharded.py", "tests/devices/test_costs.py", *FAST]
    own = environment(JAX_NUM_CPU_DEVICES="8")
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:]


def test_two_processes():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    command = [*TESTS, "tests/devices/test_sharded.py", *FAST, "-k", SOME]
    teams = [
        subprocess.Popen(
            command,
            env=environment(PROCESSES_OF_TESTS=f"127.0.0.1:{port} 2 {index}"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=300)[0] for process in teams]
    finally:
        for process in teams:
            process.kill()
    assert [process.returncode for process in teams] == [0, 0], outputs[0][-3000:]


def is_on(folder):
    """Whether a checkpoint is complete."""
    return any(name.name.isdigit() for name in (folder / "checkpoints").glob("*"))


def weights(folder):
    return (folder / "parameters.safetensors").read_bytes()


def lose(folder, index, steps=400, delay=0.0):
    """Launch, lose a process after the first checkpoint, and wait for the end; the time until all had resumed."""
    team = launched(folder, steps)
    assert wait_until(lambda: is_on(folder), team, limit=200)
    time.sleep(delay)
    os.kill(process_of(team, index), signal.SIGKILL)
    lost = time.monotonic()
    assert wait_until(lambda: process_of(team, index) is not None, team)
    again = time.monotonic() - lost
    _, err = team.communicate(timeout=300)
    assert team.returncode == 0, err
    assert f"process {index} of 2 was lost (signal SIGKILL); resuming, restart 1 of 3" in err
    assert "Traceback" not in err and "bug" not in err
    return again


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_a_lost_process_is_replaced_and_the_end_is_the_same_to_the_last_bit(tmp_path):
    team = launched(tmp_path / "undisturbed", 400)
    assert team.communicate(timeout=300) and team.returncode == 0
    assert lose(tmp_path / "lost", 1) < 30
    assert weights(tmp_path / "lost") == weights(tmp_path / "undisturbed")


@pytest.mark.faults
def test_twenty_lost_processes(tmp_path):
    launched(tmp_path / "undisturbed", 400).communicate(timeout=300)
    for number in range(20):
        folder = tmp_path / str(number)
        assert lose(folder, number % 2, delay=0.3 * (number // 2)) < 30
        assert weights(folder) == weights(tmp_path / "undisturbed")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["launch", "report", "x"], "`launch` starts `solve`"),
        (["launch", "-n", "0", "solve", "poisson_1d"], "processes ≥ 1"),
        (["launch", "--restarts", "-1", "solve", "poisson_1d"], "≥ 0"),
        (["solve", "poisson_1d", "--coordinator", "a:1"], "give `--processes` too"),
        (["solve", "poisson_1d", "--coordinator", "a:1", "--processes", "2", "--index", "2"], "from 0 to"),
        (["solve", "poisson_1d", "--seeds", "2", "--distributed"], "leave out"),
        (["solve", "poisson_1d", "--devices", "9999"], "got 9999"),
    ],
)
def test_a_wrong_command_gets_one_line(line, said, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main([*line, *(["--quiet"] if line[0] == "solve" else [])]) == 2
    found = capsys.readouterr().err
    assert said in found and found.count("\n") == 1
