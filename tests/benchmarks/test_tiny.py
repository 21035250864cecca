"""Every benchmark runs in a tiny configuration and yields its figures (`pytest -m slow`)."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pinnkit import SAMPLERS
from pinnkit.report import Report
from problems.elliptic.poisson_1d import poisson_1d
from problems.elliptic.poisson_2d import poisson_2d
from problems.parabolic.burgers import burgers

from . import (
    accuracy,
    gauss_newton,
    hard_or_soft,
    identical,
    kernel_cost,
    kernel_weights,
    learning_rates,
    sampling,
    step_cost,
    stiff,
    weighting_rules,
)
from . import test_budget as budget
from . import test_checkpoints as checkpoints
from . import test_report as report
from . import test_wave as wave

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def rows(text):
    """The cells of a Markdown table below its header."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in cells] for cells in lines[2:]]


def assert_numbers(cells):
    assert cells and all(math.isfinite(value) and value >= 0 for value in map(float, cells))


def test_accuracy(tmp_path):
    output = tmp_path / "accuracy.jsonl"
    words = "poisson_1d --strategies gauss-newton --seeds 0 --budget 60 --option steps=2 --option points=16".split()
    assert accuracy.main([*words, "--option", "width=6", "--option", "depth=1", "--output", str(output)]) == 0
    (record,) = accuracy.load(output).values()
    assert record["relative_l2"] > 0 and record["steps"] == 2 and record["cpu_s"] > 0


def test_budget_program():
    line = subprocess.run(
        [sys.executable, "-c", budget.RUN, "poisson_1d", "5"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.splitlines()[-1]
    wall, other, error, reason = line.split(maxsplit=3)
    assert_numbers([wall, other, error])
    assert reason


def test_checkpoint_cost(tmp_path):
    run = {"strategy": "adam", "steps": 20_000, "points": 50, "width": 8, "depth": 1}
    saves, within, extras, wait = checkpoints.measured(tmp_path, run, often=1.0)
    assert saves and len(extras) == len(within) and 0 <= wait < 1
    assert all(map(math.isfinite, extras))


@pytest.mark.usefixtures("x64")
def test_gauss_newton_tables(capsys):
    gauss_newton.parts([(burgers, 6, 2, 32)])
    (row,) = rows(capsys.readouterr().out)
    assert_numbers(row[2:])
    gauss_newton.forms([(6, 2, 32)])
    (row,) = rows(capsys.readouterr().out)
    assert_numbers(row[2:4])
    assert row[-1] in gauss_newton.FORMS
    gauss_newton.training({"poisson": (lambda: gauss_newton.Setting(poisson_1d, 6, 1, 16), 3)})
    found = rows(capsys.readouterr().out)
    assert len(found) == 3
    for row in found:
        assert_numbers(row[1:])


def test_identical(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(identical.SCHEDULES, "gauss-newton", {"steps": 2, "width": 6, "depth": 1, "points": 16})
    file = str(tmp_path / "before.json")
    for option in ("--output", "--against"):
        monkeypatch.setattr(sys, "argv", ["identical", "poisson_1d", "--schedules", "gauss-newton", option, file])
        if option == "--output":
            identical.main()
        else:
            with pytest.raises(SystemExit) as caught:
                identical.main()
            assert not caught.value.code
    assert "1 of 1 are the same" in capsys.readouterr().out


def test_kernel_cost(capsys):
    kernel_cost.print_laplacian(n=16, shapes={"2x8": (8, 2)})
    (row,) = rows(capsys.readouterr().out)
    assert float(row[-1]) < 1e-12
    kernel_cost.print_scaling(sizes=[(64, "2x8"), (128, "2x8")])
    out = capsys.readouterr().out
    assert len(rows(out)) == 2 and out.count("~ n^") == 6


def test_kernel_peers():
    options = "--programs pinnkit --points 32 --dtypes float64 --rounds 1 --depth 2 --width 8".split()
    script = ROOT / "tests" / "benchmarks" / "kernel_peers.py"
    done = subprocess.run([sys.executable, str(script), *options], capture_output=True, text=True, check=True, cwd=ROOT)
    found = rows(done.stdout)
    assert [row[0] for row in found] == ["pinnkit", "pinnkit"]
    for row in found:
        assert row[2] == "float64"
        assert_numbers(row[3:7])


def test_kernel_weights():
    found = kernel_weights.figures(points=32, width=8, depth=2)
    assert len(found) == 4 and all(cost.flops > 0 and cost.xla_flops > 0 for cost in found.values())


@pytest.mark.usefixtures("x64")
def test_learning_rates(tmp_path):
    file, case = tmp_path / "figures.jsonl", {"poisson_1d": learning_rates.Case(poisson_1d, 1, 16, 5)}
    for _ in range(2):  # runs that the file holds are not repeated
        learning_rates.run_all(file, "adam", 1, case, [1e-3])
    assert len(file.read_text().splitlines()) == 2
    (row,) = rows(learning_rates.table(file, "adam", case, [1e-3]))
    assert_numbers(row[1:])


def test_cost_of_recording():
    command = [sys.executable, "-m", "tests.benchmarks.test_recording", "200"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    assert found["steps"] == 200 and 0 < found["append"] < found["total"] and 0 < found["offer"] < found["total"]


def test_report_of_a_long_run():
    run = report.long_run(steps=200, looks=3)
    assert len(run.history.predictions) == 2 and len(Report(run).html()) > 10_000


def test_recording_share(monkeypatch):
    assert 0 < report.recording_share(monkeypatch, steps=200) < 1


def test_prediction_errors():
    errors = report.prediction_errors("poisson_1d", steps=300, points=32, width=6, depth=1)
    assert_numbers(errors)


@pytest.mark.parametrize(("strategy", "sampler"), [("gauss-newton", "residual-adaptive"), ("ntk-adam", "uniform")])
def test_sampling(strategy, sampler):
    errors = sampling.relative_errors(
        sampling.poisson_peak, strategy, SAMPLERS.of(sampler), steps=2, seeds=(0,), points=32
    )
    assert_numbers(errors)


def test_step_cost():
    work = {
        "burgers": step_cost.Work(burgers, {"pde": 16, "walls": 8, "initial": 4}, 8, 2, 10),
        "poisson_2d": step_cost.Work(poisson_2d, {"pde": 16, "walls": 8}, 8, 2, 10),
    }
    found = step_cost.costs(work, rounds=1)
    assert list(found) == list(work)
    for cost in found.values():
        assert list(cost) == ["pinnkit", "hand"]
        assert_numbers(cost.values())


@pytest.mark.parametrize("options", [(), ("--strategy", "adam")], ids=["default", "adam"])
def test_seconds_to_first_figures(options):
    assert 0.1 < step_cost.seconds_to_first_figures(*options, rounds=1) < 120


def test_the_radiating_plate_has_a_reference():
    start = np.stack([np.linspace(0.0, 1.0, 5), np.zeros(5)], axis=1)
    np.testing.assert_allclose(stiff.radiating_plate.evaluate_reference(start)["T"], stiff.AROUND[0], rtol=1e-6)


def test_wave():
    assert_numbers([wave.relative_error(0, steps=2, points=16, width=6, **wave.ARMS["weights"])])


def test_weighting_rules():
    assert_numbers([weighting_rules.relative_error(poisson_2d, "trace", steps=2, points=32, seed=0)])
    assert weighting_rules.relative_error(poisson_2d, "causal", steps=2, points=32, seed=0) is None


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("is_hard", [False, True], ids=["soft", "hard"])
def test_conditions_on_a_curve(is_hard, monkeypatch):
    monkeypatch.setattr(hard_or_soft, "FEATURES", 100)
    assert hard_or_soft.relative_error(*hard_or_soft.SHAPES["disk"], 1, False, is_hard, 3.0) < 1e-5
