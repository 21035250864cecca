"""The cost of recording: a million steps of Adam on a small problem, in one run that saves its state.

uv run pytest -m benchmark tests/benchmarks/test_recording.py -s -n 0
"""

import json
import subprocess
import sys
import tempfile
import time

import pytest

from pinnkit import Checkpoints, fit
from pinnkit.equations.registry import find_problem
from pinnkit.runs.history import History
from pinnkit.runs.recorder import Recorder

STEPS = 1_000_000


@pytest.mark.benchmark
def test_recording_a_million_steps_costs_less_than_one_percent():
    """In a process of its own, without the types that are checked in tests only."""
    command = [sys.executable, "-m", "tests.benchmarks.test_recording"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    share = (found["append"] + found["offer"]) / found["total"]
    print(f"\n{found['steps']:,} steps, seconds of processor time: {found}; recording {100 * share:.2f} %")
    assert share < 0.01


def measure(steps=STEPS):
    """Processor time in which figures are appended and the state is offered to be saved, and that of the whole fit."""
    spent = {"append": 0.0, "offer": 0.0}

    def timed(name, function):
        def call(*args, **options):
            before = getattr(getattr(args[0], "_writer", None), "_latest", None)
            began = time.thread_time()
            function(*args, **options)
            spent[name] += time.thread_time() - began
            del before  # the state before this one is freed now: that belongs to the steps

        return call

    History.append = timed("append", History.append)
    Recorder.offer = timed("offer", Recorder.offer)
    began = time.process_time()
    options = {"strategy": "adam", "steps": steps, "width": 20, "depth": 2, "points": 100}
    with tempfile.TemporaryDirectory() as folder:
        plan = Checkpoints(folder, every_seconds=None)
        summary = fit(find_problem("poisson_1d"), **options, checkpoints=plan).summary
    return {"steps": summary.steps, **spent, "total": time.process_time() - began}


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
