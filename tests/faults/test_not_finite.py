"""Values that stop being finite: found in the step in which they do, and named with condition, step and point."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import (
    Condition,
    ConstantLearningRate,
    Phase,
    PointSet,
    Problem,
    ProblemError,
    Strategy,
    Uniform,
    Unknown,
    fit,
)
from pinnkit.geometry.points import Points
from pinnkit.geometry.region import AbstractRegion
from pinnkit.runs.stop_reason import StopReason
from tests.problems_for_tests import LINE, poisson

pytestmark = pytest.mark.faults

SMALL = {"points": 24, "width": 6, "depth": 1, "constraints": "soft"}
STEPS = np.random.default_rng(0).integers(0, 250, 30).tolist()


def assert_named(run, step, what):
    """The reason says what, where and when; everything before is finite, and so is what is kept."""
    reason, history = run.summary.stop_detail, run.history
    assert run.summary.stop_reason is StopReason.NOT_FINITE
    found = re.fullmatch(r"(.*), at step (\d+)", reason)
    assert found and int(found[2]) == step, (reason, step)
    match = re.fullmatch(what, found[1])
    assert match, reason
    assert len(history.step) == step and np.isfinite(history.loss).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run._params))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.state.params))
    assert np.isfinite(run(x=np.linspace(0, 1, 5))).all() and np.isfinite(run.summary.loss)
    return match


def spoiled_at(step):
    """A direction that is not finite at one step."""

    def update(updates, count, params=None):
        spoil = lambda u: jnp.where(count == step, jnp.full_like(u, jnp.nan), u)
        return jax.tree.map(spoil, updates), count + 1

    return optax.chain(optax.scale_by_adam(), optax.GradientTransformation(lambda params: jnp.zeros((), int), update))


@pytest.mark.parametrize("step", STEPS[:10])
def test_parameters(step):
    """By an optimizer that breaks: the parameters never get to be what they are not."""
    phase = Phase("spoiled", spoiled_at(step), ConstantLearningRate(1e-3), steps=260)
    run = fit(poisson(), strategy=Strategy("spoiled", (phase,)), **SMALL)
    assert_named(run, step, "the update of the optimizer")


def counting():
    """Gradient descent on the network; the coefficient is the number of the step."""
    descend = lambda g, path: jnp.ones_like(g) if "coefficients" in jax.tree_util.keystr(path) else -1e-3 * g

    def update(updates, state, params=None):
        return jax.tree_util.tree_map_with_path(lambda path, g: descend(g, path), updates), state

    return optax.GradientTransformation(lambda params: (), update)


def breaking(residual):
    """A problem whose residual knows the number of the step."""
    conditions = {
        "pde": Condition(residual, on=LINE.interior),
        "walls": Condition(lambda u: u, on=LINE.boundary("x")),
    }
    return Problem("breaking", LINE, conditions, coefficients={"count": Unknown(0.0)})


@pytest.mark.parametrize("number", range(5))
def test_residuals(number):
    """Beyond a place, from a step on."""
    step, place = STEPS[10 + number], 0.2 + 0.15 * number
    broken = lambda count, x: (count > step - 0.5) & (x > place)
    problem = breaking(lambda u, x, count: u.xx + x + jnp.where(broken(count, x), jnp.nan, 0.0))
    match = assert_named(
        fit(problem, strategy=counting(), steps=260, **SMALL), step, r"residual of condition 'pde' at x = (\S+)"
    )
    assert float(match[1]) > place


@pytest.mark.parametrize("number", range(5))
def test_gradients_of_residuals(number):
    """The residual is finite, and its gradient is not: a square root that comes to zero."""
    step = STEPS[15 + number]
    problem = breaking(lambda u, x, count: u.xx + x + jnp.sqrt(jnp.maximum(step - count, 0.0)))
    run = fit(problem, strategy=counting(), steps=260, **SMALL)
    assert_named(run, step, r"gradient of the residual of condition 'pde' at x = \S+")


def test_gradients_that_are_not_finite_from_the_start_are_refused():
    problem = breaking(lambda u, x, count: u.xx + x + jnp.sqrt(count))
    with pytest.raises(ProblemError, match=r"gradient of the residual of condition 'pde' at x = \S+$"):
        fit(problem, strategy=counting(), steps=260, **SMALL)


class Sensor(AbstractRegion):
    """Data along the line, broken in an interval of it."""

    low: float
    high: float
    coordinates: tuple[str, ...] = ("x",)
    dimension: int = 1
    count: int | None = None
    least: int = 1

    @property
    def bounds(self):
        return (0.0,), (1.0,)

    @property
    def columns(self):
        return ("measured",)

    def points(self, unit):
        x = unit[:, 0]
        broken = (x > self.low) & (x < self.high)
        return Points(unit, None, {"measured": jnp.where(broken, jnp.nan, jnp.sin(x))})


@pytest.mark.parametrize("number", range(10))
def test_data(number):
    """Of points that are drawn anew every step, one is in the broken interval sooner or later."""
    low = 0.05 + 0.09 * number
    sensor = Sensor(low, low + 2e-4)
    conditions = {
        "pde": Condition(lambda u, x: u.xx + x, on=LINE.interior),
        "data": Condition(lambda u, measured: u - measured, on=sensor),
    }
    phase = Phase("adam", optax.scale_by_adam(), ConstantLearningRate(1e-3), steps=3000)
    strategy = Strategy("drawn", (phase,), Uniform(redraw=1))
    run = fit(Problem("measured", LINE, conditions), strategy=strategy, seed=number, **SMALL)
    step = run.summary.steps
    match = assert_named(run, step, r"'measured' of condition 'data' at x = (\S+)")
    assert sensor.low < float(match[1]) < sensor.high


def test_data_that_are_given_are_refused_when_the_problem_is_declared():
    with pytest.raises(ValueError, match="'sample' of a point set has 1 value"):
        PointSet({"x": [0.0, 1.0]}, sample=[1.0, np.nan])
