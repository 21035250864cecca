"""What checkpoints cost.

Two runs one after the other differ by more than what is asked for here, on a machine that is shared. So it is measured
inside one run: the time that stretches of steps take while a checkpoint is written, against that of their neighbours,
and the time for which training waits when it offers its state.
"""

import itertools
import statistics
import time

import pytest

from pinnkit import Callback, Checkpoints, fit
from pinnkit.runs.resume.checkpointing import CheckpointWriter
from problems.burgers import burgers

RUN = {"strategy": "soap", "steps": 8000, "points": 2000, "width": 40, "depth": 4}
EVERY = 10.0
"""Seconds between checkpoints for which the cost is stated."""

OFTEN = 2.5
"""Seconds between them here, so that there are many."""

NEIGHBOURS = 6


class Looks(Callback):
    """When training looked from outside, and at which step."""

    def __init__(self):
        self.seen = []

    def progress(self, event):
        self.seen.append((time.perf_counter(), event.step))

    def extra_seconds(self, saves):
        """For how much longer the stretches that each save overlaps took than as many steps of the nearest others."""
        stretches = [(start, end, last - first) for (start, first), (end, last) in itertools.pairwise(self.seen)]
        touched = [
            [i for i, (start, end, _) in enumerate(stretches) if start < ended and end > began]
            for began, ended in saves
        ]
        others = [i for i in range(len(stretches)) if not any(i in hit for hit in touched)]
        for hit in touched:
            near = sorted(others, key=lambda i: abs(i - hit[0]))[:NEIGHBOURS]
            pace = statistics.median((stretches[i][1] - stretches[i][0]) / stretches[i][2] for i in near)
            yield sum(stretches[i][1] - stretches[i][0] - pace * stretches[i][2] for i in hit)


@pytest.mark.benchmark
def test_checkpoints_every_ten_seconds_cost_less_than_three_percent(tmp_path, capsys, monkeypatch):
    saves, waits = [], []
    write, offer = CheckpointWriter._write, CheckpointWriter.offer

    def timed_write(self, moment):
        began = time.perf_counter()
        write(self, moment)
        saves.append((began, time.perf_counter()))

    def timed_offer(self, moment):
        began = time.perf_counter()
        offer(self, moment)
        if not moment.finished:
            waits.append(time.perf_counter() - began)

    monkeypatch.setattr(CheckpointWriter, "_write", timed_write)
    monkeypatch.setattr(CheckpointWriter, "offer", timed_offer)
    looks = Looks()
    fit(burgers, **RUN, callbacks=[looks], checkpoints=Checkpoints(tmp_path, every_seconds=OFTEN))
    within = [save for save in saves[1:] if looks.seen[0][0] < save[0] and save[1] < looks.seen[-1][0]]
    extras = list(looks.extra_seconds(within))
    extra, error = statistics.mean(extras), statistics.stdev(extras) / len(extras) ** 0.5
    wait = sum(waits) / (looks.seen[-1][0] - looks.seen[0][0])
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) / 3 / 2**20
    cost = 100 * (extra / EVERY + wait)
    with capsys.disabled():
        each = statistics.median(end - start for start, end in within)
        print(f"\n{len(extras)} checkpoints of {size:.1f} MiB, {each:.2f} s each")
        print(f"training lost {extra:.3f} s to each (standard error {error:.3f} s), and {100 * wait:.2f} % to offers")
        print(f"cost every {EVERY:.0f} s: {cost:.1f} %; the first took {saves[0][1] - saves[0][0]:.1f} s, once")
    assert len(extras) >= 10
    assert cost < 3
