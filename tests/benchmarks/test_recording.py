"""What recording costs: a million steps of Adam, in one run that saves its state.

uv run pytest -m benchmark tests/benchmarks/test_recording.py -s -n 0
"""

import time

import pytest

from pinnkit import Checkpoints, fit
from pinnkit.history import History
from pinnkit.journal import Journal
from pinnkit.registry import find_problem

STEPS = 1_000_000


@pytest.mark.benchmark
def test_recording_a_million_steps_costs_less_than_one_percent(tmp_path, monkeypatch):
    """Time in which figures are appended and the state is offered to be saved, over that of the whole fit."""
    spent, stretches = {"append": 0.0, "offer": 0.0}, []

    def timed(name, function):
        def call(*args, **options):
            began = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                spent[name] += time.perf_counter() - began
                stretches.append(time.perf_counter() - began)

        return call

    monkeypatch.setattr(History, "append", timed("append", History.append))
    monkeypatch.setattr(Journal, "offer", timed("offer", Journal.offer))
    began = time.perf_counter()
    plan = Checkpoints(tmp_path, every_seconds=None)
    options = {"strategy": "adam", "steps": STEPS, "width": 8, "depth": 1, "points": 16}
    summary = fit(find_problem("poisson_1d"), **options, checkpoints=plan).summary
    total, last = time.perf_counter() - began, spent["offer"] and stretches[-1]
    spent["offer"] -= last  # the state at the end, which is written while the fit waits
    share = (spent["append"] + spent["offer"]) / total
    print(f"\n{summary.steps:,} steps in {total:.0f} s: {spent}, {100 * share:.2f} %")
    assert share < 0.01
