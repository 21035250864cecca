"""The cost of checkpoints.

On a shared machine two successive runs differ by more than this cost. It is therefore measured inside one run: the time
of stretches of steps while a checkpoint is written, against that of their neighbours, and the time for which training
waits when it offers its state.
"""

import itertools
import statistics
import time
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from pinnkit import Callback, Checkpoints, fit
from pinnkit.runs.resume.checkpointing import CheckpointWriter
from problems.parabolic.burgers import burgers

RUN = {"strategy": "ntk-soap", "steps": 8000, "points": 2000, "width": 40, "depth": 4}
EVERY = 10.0
"""Seconds between checkpoints, for which the cost is given."""

OFTEN = 2.5
"""Seconds between checkpoints in this run, so that there are many."""

NEIGHBOURS = 6


class Clock(Callback):
    """The time and the step of every check of the validation loss."""

    def __init__(self):
        self.seen = []

    def progress(self, event):
        self.seen.append((time.perf_counter(), event.step))

    def extra_seconds(self, saves):
        """For each save, the extra time of the stretches that it overlaps against as many steps of their neighbours."""
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


def measured(folder, run, often):
    """Begin and end of every save, the extra seconds of training for each of them, and the share of time in offers."""
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

    clock = Clock()
    with ExitStack() as stack:
        stack.enter_context(patch.object(CheckpointWriter, "_write", timed_write))
        stack.enter_context(patch.object(CheckpointWriter, "offer", timed_offer))
        fit(burgers, **run, callbacks=[clock], checkpoints=Checkpoints(folder, every_seconds=often))
    within = [save for save in saves[1:] if clock.seen[0][0] < save[0] and save[1] < clock.seen[-1][0]]
    return saves, within, list(clock.extra_seconds(within)), sum(waits) / (clock.seen[-1][0] - clock.seen[0][0])


@pytest.mark.benchmark
def test_checkpoints_every_ten_seconds_cost_less_than_three_percent(tmp_path, capsys):
    saves, within, extras, wait = measured(tmp_path, RUN, OFTEN)
    extra, error = statistics.mean(extras), statistics.stdev(extras) / len(extras) ** 0.5
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) / 3 / 2**20
    cost = 100 * (extra / EVERY + wait)
    with capsys.disabled():
        each = statistics.median(end - start for start, end in within)
        print(f"\n{len(extras)} checkpoints of {size:.1f} MiB, {each:.2f} s each")
        print(f"training lost {extra:.3f} s to each (standard error {error:.3f} s), and {100 * wait:.2f} % to offers")
        print(f"cost every {EVERY:.0f} s: {cost:.1f} %; the first took {saves[0][1] - saves[0][0]:.1f} s, once")
    assert len(extras) >= 10
    assert cost < 3
