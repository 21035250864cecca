"""What checkpoints cost: the same fit with and without them, side by side, and what a save takes by itself."""

import statistics
import time

import pytest

from pinnkit import Callback, Checkpoints, fit
from problems.burgers import burgers

RUN = {"strategy": "soap", "steps": 6000, "points": 2000, "width": 40, "depth": 4}
EVERY = 10.0


class Pace(Callback):
    """Wall seconds of training after the first stretch of steps."""

    def __init__(self):
        self.first = self.last = None

    def progress(self, event):
        now = time.perf_counter(), event.step
        self.first, self.last = self.first or now, now

    @property
    def seconds_per_step(self):
        return (self.last[0] - self.first[0]) / (self.last[1] - self.first[1])


@pytest.mark.benchmark
def test_checkpoints_every_ten_seconds_cost_less_than_three_percent(tmp_path, capsys):
    """The median of three ratios, each of two fits one after the other, the order changing."""
    ratios, saves = [], []
    for turn in range(3):
        paces = {}
        for saved in (turn % 2 == 0, turn % 2 == 1):
            pace, folder = Pace(), tmp_path / f"{turn}{saved}"
            plan = Checkpoints(folder, every_seconds=EVERY) if saved else None
            fit(burgers, **RUN, callbacks=[pace], checkpoints=plan)
            paces[saved] = pace.seconds_per_step
        ratios.append(paces[True] / paces[False])
        saves.append(sum(path.stat().st_size for path in (tmp_path / f"{turn}True").rglob("*") if path.is_file()))
    cost = 100 * (statistics.median(ratios) - 1)
    with capsys.disabled():
        print(f"\nwith over without: {', '.join(f'{r:.3f}' for r in ratios)}; median cost {cost:.1f} %")
        print(f"the three newest checkpoints: {saves[-1] / 2**20:.1f} MiB")
    assert cost < 3
