"""Reports of predictions, and of kernels that cannot be compared."""

import dataclasses

import numpy as np
import pytest

from pinnkit.report import figures, tables
from pinnkit.report.comparison import Comparison
from pinnkit.report.html import render

from .synthetic import make_history, make_prediction, make_run


def diverged(growth=1e74):
    """A run with a prediction in which the loss grows by this factor."""
    prediction = make_prediction()
    prediction = dataclasses.replace(prediction, predicted=prediction.before * np.sqrt(growth))
    history = make_history()
    records = [
        dataclasses.replace(record, prediction=prediction if record.prediction is not None else None)
        for record in history.diagnostics
    ]
    return make_run(history=dataclasses.replace(history, diagnostics=records))


@pytest.mark.parametrize("growth", [1e4, 1e74, np.inf])
def test_a_divergent_prediction_is_reported_and_does_not_stretch_an_axis(growth):
    run = diverged(growth)
    (row,) = tables.prediction_table(run).rows
    assert row[2] == "diverges" and row[4] == "–"
    assert "1 diverged" in tables.score(run)
    found = run.history.predictions[0].losses[2]
    low, high = figures.plot_predictions(run.history).axes[0].get_ylim()
    assert found / 100 <= low < found < high <= 100 * found
    _, high = figures.plot_decays(run.history).axes[0].get_ylim()
    assert high <= 1e4


def sines():
    return make_run(config={"problem": "poisson_1d", "network": "SineFeatures"})


def test_kernels_before_and_after_a_solve_for_the_output_layer_are_not_compared():
    table = tables.kernel_table(sines())
    assert table.header == ("training kernel", "final")
    assert not any("drift" in name or "alignment" in name for name, _ in table.rows)
    assert "drift" not in render(sines()).lower()
    runs = {"sines": sines(), "deep": make_run()}
    rows = {row[0]: row[1:] for row in Comparison(runs).kernel_table().rows}
    assert rows["drift"] == ("–", "0.100")


def test_kernels_of_a_trained_network_are_compared():
    table = tables.kernel_table(make_run())
    assert table.header == ("training kernel", "initial", "final")
    assert any("drift" in row[0] for row in table.rows)
