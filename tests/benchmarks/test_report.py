"""A report of a long run is small and quick, recording costs little, and gradient descent is predicted.

uv run pytest -m benchmark tests/benchmarks/test_report.py -s -n 0
"""

import time

import numpy as np
import pytest

from pinnkit import fit
from pinnkit.diagnostics.linear_theory import Prediction
from pinnkit.equations.registry import find_problem
from pinnkit.report import Report
from pinnkit.runs.recorder import Recorder

from ..report.synthetic import make_grid_fields, make_history, make_record, make_run, make_theory

pytestmark = pytest.mark.benchmark
MODES = 384


def long_run(steps=100_000, looks=50):
    """1e5 noisy steps of six conditions, 50 spectra of 384 modes with predictions."""
    names = tuple(f"condition {i}" for i in range(6))
    rng, history = np.random.default_rng(0), make_history(names, steps=steps)
    history.losses.update({name: history.loss * rng.uniform(0.1, 1, steps) for name in names})
    history.weights.update({name: rng.uniform(1, 10, steps) for name in names})
    at, theory = np.linspace(0, steps, looks).astype(int).tolist(), make_theory(MODES)
    history.diagnostics[:] = [
        make_record(
            step,
            names,
            rank=300,
            n=MODES,
            theory=theory,
            prediction=Prediction(before, step, theory.rates, *rng.standard_normal((3, MODES))) if step else None,
            mode_coefficients=rng.standard_normal(MODES),
        )
        for before, step in zip([0, *at], at, strict=False)
    ]
    return make_run(history=history, snapshot=make_grid_fields(("x", "t"), (("u", 1), ("v", 2))))


def test_a_report_of_a_long_run_is_small_and_quick(tmp_path):
    run = long_run()
    began = time.perf_counter()
    page = Report(run).html()
    seconds = time.perf_counter() - began
    print(f"\nreport of 100,000 steps and 50 spectra: {len(page.encode()) / 1e6:.2f} MB in {seconds:.1f} s")
    assert len(page.encode()) < 3e6
    began = time.perf_counter()
    run.save(tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    print(f"run folder without checkpoints: {size / 1e6:.2f} MB in {time.perf_counter() - began:.1f} s")


def test_recording_costs_little(monkeypatch):
    """Processor time inside the recorder over that of the steps, in one run of the smallest steps there are."""
    spent = {"recording": 0.0}

    def timed(function):
        def call(*args):
            began = time.process_time()
            try:
                return function(*args)
            finally:
                spent["recording"] += time.process_time() - began

        return call

    for owner, name in ((Recorder, "check"), (Recorder, "diagnosed"), (Recorder, "add"), (Recorder, "phase")):
        monkeypatch.setattr(owner, name, timed(getattr(owner, name)))
    from pinnkit.runs.history import History
    from pinnkit.training.loop import Trainer

    monkeypatch.setattr(History, "append", timed(History.append))
    monkeypatch.setattr(Trainer, "_report", timed(Trainer._report))
    began = time.process_time()
    summary = fit(find_problem("poisson_1d"), strategy="adam", steps=100_000, width=8, depth=1, points=32).summary
    total = time.process_time() - began
    share = spent["recording"] / total
    print(
        f"\nrecording of {summary.steps:,} steps: {spent['recording']:.2f} s of {total:.1f} s CPU, {100 * share:.2f} %"
    )
    assert share < 0.05


@pytest.mark.parametrize("name", ["poisson_1d", "poisson_2d", "burgers", "wave_1d", "convection"])
def test_gradient_descent_is_predicted_within_a_tenth_after_its_transient(name):
    options = {"steps": 3000, "points": 300, "width": 16, "depth": 2, "constraints": "soft"}
    history = fit(find_problem(name), strategy="gradient-descent", **options).history
    errors = [prediction.error for prediction in history.predictions if prediction.start >= 100]
    of = f"of {len(errors)} predictions, at most {max(errors):.3f}"
    print(f"\n{name}: median error {np.median(errors):.3f} {of}")
    assert np.median(errors) <= 0.1
