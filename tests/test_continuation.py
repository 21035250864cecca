"""Starting from another solution, and continuation in a coefficient."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Condition, Interval, Problem
from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model
from pinnkit.automatic.warm_start import WarmStart
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.runs.decisions import ContinuationStep, Note
from pinnkit.runs.run_folder import Run

from .problems_for_tests import poisson

line = Interval(x=(0.0, 1.0))


def exact(x, c):
    """−2 ln(cosh(θ (x − 1/2)) / cosh(θ / 2)) with θ² = 2 c cosh²(θ / 2), and θ = 2 v."""
    v = 0.0
    for _ in range(200):  # Newton's method from the lower branch
        v -= (v - np.sqrt(c / 2) / 2 * np.cosh(v)) / (1 - np.sqrt(c / 2) / 2 * np.sinh(v))
    return -2 * np.log(np.cosh(2 * v * (x - 0.5)) / np.cosh(v))


bratu = Problem(
    "bratu",
    line,
    {
        "pde": Condition(lambda u, c: u.xx + c * jnp.exp(u.value), on=line.interior),
        "ends": Condition(lambda u: u, on=line.boundary("x")),
    },
    coefficients={"c": 1.0},
    reference=exact,
)


@pytest.fixture(scope="module")
def first():
    return pinnkit.fit(bratu)


@pytest.mark.slow
def test_a_fit_starts_from_the_network_of_a_solution(first):
    warm = pinnkit.fit(bratu.with_coefficients(c=2.0), start=first)
    assert warm.run.config["bandwidth"] == first.run.config["bandwidth"]
    assert warm.summary.relative_l2["u"] < 1e-8
    again = pinnkit.fit(bratu, start=first)
    assert again.history.loss[0] < 1e-15 * first.history.loss[0] and again.summary.relative_l2["u"] < 1e-10


@pytest.mark.slow
def test_a_deep_network_starts_from_that_of_a_solution():
    same = {"width": 8, "depth": 2, "steps": 60}
    cold = pinnkit.fit(bratu, **same)
    warm = pinnkit.fit(bratu.with_coefficients(c=1.01), **{**same, "steps": 10}, start=cold)
    other = pinnkit.fit(bratu.with_coefficients(c=1.01), **{**same, "steps": 10})
    assert warm.history.loss[0] < 1e-2 * other.history.loss[0]


@pytest.mark.slow
def test_values_of_a_coefficient_are_solved_for_in_turn():
    found = pinnkit.fit(bratu, continuation={"c": [1.0, 2.5, 3.4]})
    steps = [decision for decision in found.history.decisions if isinstance(decision, ContinuationStep)]
    assert [step.values for step in steps] == [{"c": 1.0}, {"c": 2.5}] and all(step.seconds > 0 for step in steps)
    assert found.problem.coefficients == {"c": 3.4} and found.summary.relative_l2["u"] < 1e-6
    assert found.run.config["continuation"] == {"c": [1.0, 2.5, 3.4]}


@pytest.mark.slow
def test_time_windows_start_anew():
    time = Interval(t=(0.0, 2.0))
    growth = Problem(
        "growth",
        time,
        {
            "ode": Condition(lambda u, r: u.t - r * u * (1 - u), on=time.interior),
            "start": Condition(lambda u: u - 0.01, on=time.start()),
        },
        coefficients={"r": 5.0},
        reference=lambda t, r: 0.01 * np.exp(r * t) / (0.99 + 0.01 * np.exp(r * t)),
    )
    found = pinnkit.fit(growth, continuation={"r": [5.0, 6.0]})
    assert found.summary.relative_l2["u"] < 1e-9
    assert any(isinstance(decision, Note) and "anew" in str(decision) for decision in found.history.decisions)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Re": [1.0]}, r"has no coefficient\(s\) \['Re'\]"),
        ({"c": []}, "a list of finite numbers"),
        ({"c": "12"}, "a list of finite numbers"),
        ({"c": [1.0, np.nan]}, "a list of finite numbers"),
        ([1.0], "values for each coefficient"),
        ({}, "values for each coefficient"),
    ],
)
def test_invalid_values_are_refused(values, message):
    with pytest.raises((ValueError, TypeError), match=message):
        pinnkit.fit(bratu, continuation=values)


def test_an_unsuitable_start_is_refused(first):
    with pytest.raises(ValueError, match="was solved on"):
        pinnkit.fit(Problem("other", Interval(x=(0.0, 2.0)), bratu.conditions, coefficients={"c": 1.0}), start=first)
    with pytest.raises(ValueError, match="another network"):
        pinnkit.fit(bratu, width=8, depth=2, steps=1, start=first)
    with pytest.raises(TypeError, match="`start` is a `Solution`"):
        pinnkit.fit(poisson(), start=1.0)


@pytest.mark.slow
def test_the_command_line_continues_too(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "import jax.numpy as jnp\n"
        "from pinnkit import Condition, Interval, Problem\n"
        "line = Interval(x=(0.0, 1.0))\n"
        "pde = Condition(lambda u, c: u.xx + c * jnp.exp(u.value), on=line.interior)\n"
        "ends = Condition(lambda u: u, on=line.boundary('x'))\n"
        "bratu = Problem('bratu', line, {'pde': pde, 'ends': ends}, coefficients={'c': 1.0})\n"
    )
    from pinnkit.cli.app import main

    folder, command = tmp_path / "run", ["solve", str(tmp_path / "mine.py"), "--quiet"]
    assert main([*command, "--output", str(folder), "--continuation", "c=1,2"]) == 0
    run = Run.load(folder)
    assert run.config["coefficients"] == {"c": 2.0} and run.config["continuation"] == {"c": [1.0, 2.0]}
    assert main([*command, "--output", str(tmp_path / "other"), "--continuation", "c=1,two"]) == 2
    assert "--continuation name=number" in capsys.readouterr().err


def quenched(a):
    """A rod that is cooled at one end at once: the network has functions of the corner, whose reach depends on a."""
    rod = Box(x=(0.0, 1.0), t=(0.0, 1.0))
    conditions = {
        "heat": Condition(lambda u, a: u.t - a * u.xx, on=rod.interior),
        "ends": Condition(lambda u: u, on=rod.boundary("x")),
        "initial": Condition(lambda u: u - 1.0, on=rod.start()),
    }
    return Problem("quenched", rod, conditions, coefficients={"a": a})


def test_a_start_with_functions_of_corners_suits_other_coefficients():
    models = []
    for a in (0.05, 0.06):
        ansatz = find_ansatz(quenched(a), "hard", periodic=True)
        models.append(FeatureSolver(ansatz.remaining, functools.partial(feature_model, ansatz, 10, seed=0), 0))
        assert ansatz.edges
    own, like = (solver.params((1.0, 1.0)) for solver in models)
    warm = WarmStart(quenched(0.05), {"network": "SineFeatures", "width": 10}, own)
    found = warm.into(like)
    assert jax.tree.structure(found) == jax.tree.structure(like)
    for mine, its in zip(jax.tree.leaves(found["network"]), jax.tree.leaves(own["network"]), strict=True):
        np.testing.assert_array_equal(mine, its)
