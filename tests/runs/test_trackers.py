"""Figures that are sent to trackers while a fit runs; the trackers are imitated."""

import csv
import sys
import time
import types

import numpy as np
import pytest

from pinnkit import MissingPackageError, MLflow, TensorBoard, WandB
from pinnkit.runs.callbacks import Progress, Start

from ..report.synthetic import make_history, make_record, make_run

START = Start("wave", "adam", ("adam",), 30, {"pde": 20}, "double", 100, None)
EVENT = Progress("adam", 10, 0.1, 1.0, 10.0, 0.5, {"pde": 1.0}, 0.6, {"pde": 2.0}, 1e-3, {"u": 0.1})


def test_weights_and_biases_gets_settings_and_figures(monkeypatch):
    calls = []
    run = types.SimpleNamespace(
        config=types.SimpleNamespace(update=lambda values, allow_val_change: calls.append(values)),
        log=calls.append,
        finish=lambda: calls.append("end"),
    )
    module = types.SimpleNamespace(init=lambda **options: calls.append(options) or run)
    monkeypatch.setitem(sys.modules, "wandb", module)
    tracker = WandB(project="waves")
    tracker.start(START)
    tracker.progress(EVENT)
    tracker.diagnostics(make_record(10))
    tracker.end(make_run().summary)
    options, settings, figures, kernel, final, end = calls
    assert options == {"project": "waves"} and end == "end"
    assert settings["points/pde"] == 20 and settings["parameters"] == 30
    assert figures == {
        "loss": 0.5,
        "validation_loss": 0.6,
        "learning_rate": 1e-3,
        "mean_square/pde": 1.0,
        "weight/pde": 2.0,
        "relative_l2/u": 0.1,
        "step": 10,
    }
    assert kernel["kernel/largest_eigenvalue"] == 1e3 and final["final/relative_l2/u"] == 3.21e-7


def test_mlflow_gets_names_that_it_allows_and_each_setting_once(monkeypatch):
    calls = []
    module = types.SimpleNamespace(
        start_run=lambda **options: calls.append(options),
        log_params=calls.append,
        log_metrics=lambda values, step: calls.append((step, values)),
        end_run=lambda: calls.append("end"),
    )
    monkeypatch.setitem(sys.modules, "mlflow", module)
    tracker = MLflow(run_name="wave")
    tracker.start(START)
    tracker.start(START)
    tracker.figures({"loss/<b>": 1.0}, 3)
    tracker.close()
    assert calls[0] == {"run_name": "wave"} and calls[1]["problem"] == "wave"
    assert calls[2:] == [(3, {"loss/_b_": 1.0}), "end"]


@pytest.mark.slow
def test_tensorboard_has_events_before_the_end(tmp_path):
    tracker = TensorBoard(tmp_path)
    tracker.start(START)
    tracker.progress(EVENT)
    (file,) = tmp_path.iterdir()
    began = time.monotonic()
    while b"validation_loss" not in file.read_bytes():  # a thread writes every few seconds
        assert time.monotonic() - began < 60
        time.sleep(0.1)
    tracker.end(make_run().summary)


@pytest.mark.parametrize(("kind", "package"), [(WandB, "wandb"), (MLflow, "mlflow")])
def test_a_missing_package_is_named(monkeypatch, kind, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"pinnkit\[{package}\]"):
        kind()


def test_curves_are_read_back_exactly(tmp_path):
    history = make_history(steps=200)
    rows = list(csv.DictReader(history.to_csv(tmp_path / "curves.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(201))
    np.testing.assert_array_equal([float(row["mean_square_walls"]) for row in rows[:200]], history.losses["walls"])
    checked = [row for row in rows if row["validation_loss"]]
    assert [float(row["relative_l2_u"]) for row in checked] == [check.relative_l2["u"] for check in history.checks]
    assert rows[200]["loss"] == ""
