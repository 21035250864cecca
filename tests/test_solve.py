"""Built-in problems from a fit to its report."""

import json

import pytest

from pinnkit import fit
from problems.elliptic.poisson_1d import poisson_1d
from problems.hyperbolic.wave_1d import wave_1d
from problems.parabolic.burgers import burgers

FOLDER = {
    "summary.json",
    "config.toml",
    "history.npz",
    "problem.json",
    "parameters.safetensors",
    "SHA256SUMS",
    "report.html",
}
CONTRACT = {
    "pinnkit_version",
    "problem",
    "seed",
    "strategy",
    "precision",
    "device",
    "parameters",
    "points",
    "steps",
    "stop_reason",
    "stop_detail",
    "seconds",
    "peak_memory_bytes",
    "loss",
    "losses",
    "weights",
    "learning_rate",
    "relative_l2",
    "max_error",
    "relative_to_spread",
    "relative_to_range",
    "conditions",
    "coefficients",
    "spectrum",
}


def test_poisson_is_solved_untuned_and_written_as_promised(tmp_path):
    solution = fit(poisson_1d)
    assert solution.summary.relative_l2["u"] <= 1e-6
    folder = solution.save(tmp_path / "run")
    assert {path.name for path in folder.iterdir()} == FOLDER
    summary = json.loads((folder / "summary.json").read_text())
    assert CONTRACT <= set(summary)
    assert set(summary["seconds"]) == {"total", "compile", "train", "diagnostics"}
    assert {"largest_eigenvalue", "noise_floor", "condition_number"} <= set(summary["spectrum"]["final"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_poisson_is_solved_from_other_seeds(seed):
    assert fit(poisson_1d, seed=seed).summary.relative_l2["u"] <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("problem", [burgers, wave_1d], ids=lambda problem: problem.name)
def test_harder_problems_are_solved_untuned_and_reported(problem, tmp_path):
    """With time to spare: on an idle machine both stop by themselves in less than a third of it."""
    solution = fit(problem, budget=600.0)
    assert solution.summary.relative_l2["u"] <= 1e-4
    assert solution.report.verdict in (page := (solution.save(tmp_path / "run") / "report.html").read_text())
    assert page.count("<svg") >= 6
