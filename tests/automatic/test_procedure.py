"""The decision procedure: what it turns to where sines fail, and what it does with little time."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Choices, Condition, Interval, Problem, laplacian
from pinnkit._base.clock import Clock
from pinnkit.automatic import procedure as auto
from pinnkit.automatic.procedure import Automatic
from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model, residual_bandwidth
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.runs.limits import Limits
from pinnkit.runs.recorder import Recorder
from pinnkit.runs.stop_reason import StopReason
from pinnkit.training.named import STRATEGIES
from pinnkit.training.phase import MOST_ROWS
from tests.problems_for_tests import poisson, stokes

line = Interval(x=(0.0, 1.0))
square = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def boundary_layer(eps):
    """−ε u'' + u' = 1, u = 0 at both ends: a layer of width ε at x = 1."""
    return Problem(
        "layer",
        line,
        {
            "pde": Condition(lambda u: -eps * u.xx + u.x - 1, on=line.interior),
            "ends": Condition(lambda u: u, on=line.boundary("x")),
        },
        reference=lambda x: x - np.exp((x - 1) / eps),
    )


def steep_front():
    """Δu = f with an arctangent of slope 60 across the square (Mitchell, Appl. Math. Comput. 220, 2013)."""
    front = lambda x, y: jnp.arctan(60 * (jnp.hypot(x - 1.25, y + 0.25) - 1))

    def laplacian_of_front(x, y):
        hessian = jax.hessian(lambda z: front(z[0], z[1]))(jnp.stack([x, y]))
        return hessian[0, 0] + hessian[1, 1]

    return Problem(
        "front",
        square,
        {
            "pde": Condition(lambda u, x, y: laplacian(u) - laplacian_of_front(x, y), on=square.interior),
            "walls": Condition(lambda u, x, y: u - front(x, y), on=square.boundary()),
        },
        reference=lambda x, y: np.arctan(60 * (np.hypot(x - 1.25, y + 0.25) - 1)),
    )


def automatic(problem, budget, monkeypatch):
    """The procedure by a clock that ticks when it is looked at."""
    clock = itertools.count(0.0, 1.0)
    monkeypatch.setattr(Limits, "seconds", lambda self: next(clock))
    ansatz = find_ansatz(problem)
    recorder = Recorder(ansatz.remaining.conditions, ("x", "t"), Limits(None, budget, None, Clock(0.0)), ())
    return Automatic(ansatz, 0, recorder, Choices(bandwidth=1.5)), recorder


@pytest.mark.usefixtures("x64")
def test_a_width_that_would_take_too_long_is_not_tried(monkeypatch):
    monkeypatch.setattr(auto, "UNKNOWNS", {1: (6, 48)})
    for budget, is_tried in ((1e2, False), (1e6, True)):
        procedure, recorder = automatic(poisson(), budget, monkeypatch)
        found = procedure.run()
        refused = [decision for decision in recorder.history.decisions if "width 48 skipped" in decision]
        assert bool(refused) != is_tried and found.settings["width"] == (48 if is_tried else 6)


def test_where_sines_fail_a_deep_network_is_trained_and_the_better_kept(monkeypatch):
    monkeypatch.setattr(auto, "UNKNOWNS", {1: (4,)})
    solution = pinnkit.fit(poisson(), target=1e-7, choices=Choices(bandwidth=96.0))
    decisions = solution.history.decisions
    assert any("a deep network is trained too" in decision for decision in decisions)
    assert any("kept: the deep network" in decision for decision in decisions)
    assert solution.summary.stop_reason is StopReason.TARGET and solution.summary.relative_l2["u"] < 1e-3
    assert solution.summary.points["pde"] >= 2 * solution.summary.parameters
    assert solution.run.config["network"] == "MLP"


def test_a_target_ends_the_procedure():
    solution = pinnkit.fit(poisson(), target=1e-3)
    assert solution.summary.stop_reason is StopReason.TARGET and solution.summary.validation_loss <= 1e-3


@pytest.fixture(scope="module")
def decay():
    """u' = −u², which is not linear, and smooth."""
    time = Interval(t=(0.0, 1.0))
    conditions = {
        "ode": Condition(lambda u: u.t + u**2, on=time.interior),
        "start": Condition(lambda u: u - 1, on=time.start()),
    }
    return Problem("decay", time, conditions, reference=lambda t: 1 / (1 + t))


def test_one_network_for_all_times_is_enough_where_a_trial_says_so(decay):
    solution = pinnkit.fit(decay)
    assert "windows" not in solution.run.config
    assert solution.summary.relative_l2["u"] < 1e-9
    assert solution.summary.steps > auto.TRIAL_STEPS  # those of the trial and more


@pytest.mark.usefixtures("x64")
def test_windows_are_tried_where_time_allows_several(decay, monkeypatch):
    for seconds, is_tried in ((0.05, True), (1.0, False)):
        procedure, recorder = automatic(decay, 100.0, monkeypatch)
        procedure._took = {procedure.first.layer.size: [seconds, seconds]}  # eight windows take 96 times as long each
        assert procedure._has_time_for_windows() == is_tried
        assert any("time windows skipped" in decision for decision in recorder.history.decisions) != is_tried


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["linear", "not linear"])
def test_a_solve_goes_on_from_a_trial(decay, name):
    ansatz = find_ansatz(poisson() if name == "linear" else decay)
    solver = FeatureSolver(ansatz.remaining, lambda bandwidth: feature_model(ansatz, 20, bandwidth, 0), 0)
    start = solver.params((1.5,))
    whole, trial = solver.solve(start, 6), solver.solve(start, 2)
    further = solver.solve(start, 6, trial=trial)
    assert (further is trial) == (name == "linear")
    assert len(further.steps) == len(whole.steps) and further.weights == whole.weights
    assert further.before == whole.before and further.after <= 10 * whole.after


@pytest.mark.usefixtures("x64")
def test_what_rounding_leaves_of_a_residual_says_nothing_about_frequencies():
    conditions = {
        "slow": Condition(lambda u, x: u.x - jnp.sin(2 * x), on=line.interior),
        "nothing": Condition(lambda u, x: u + 1e-16 * jnp.sin(300 * x), on=line.interior),
    }
    problem = Problem("p", line, conditions)
    ansatz = find_ansatz(problem)
    solver = FeatureSolver(problem, lambda s: feature_model(ansatz, 8, s, 0), 0)
    assert residual_bandwidth(solver, solver.params())[0] < 30


def test_second_order_strategies_ask_for_two_residuals_a_parameter():
    for name in ("auto", "gauss-newton", "ssbroyden", "bfgs", "lbfgs"):
        plan = STRATEGIES[name]()
        counts = plan.counts(stokes(), 3000)
        assert 2 * counts["momentum"] + counts["mass"] >= 6000  # two rows of momentum a point
        assert plan.counts(stokes(), MOST_ROWS) == plan.counts(stokes(), 1)  # too many to ask for
    assert STRATEGIES["adam"]().counts(stokes(), 3000) == STRATEGIES["adam"]().counts(stokes(), 1)


@pytest.mark.slow
def test_a_thin_layer_is_resolved_by_a_wide_network():
    solution = pinnkit.fit(boundary_layer(1e-3))
    assert solution.summary.relative_l2["u"] < 1e-4


@pytest.mark.slow
def test_a_steep_front_is_left_to_the_deep_network():
    solution = pinnkit.fit(steep_front(), budget=140.0)
    assert any("kept: the deep network" in decision for decision in solution.history.decisions)
    assert solution.summary.relative_l2["u"] < 1e-3
