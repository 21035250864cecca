"""Continuation in the size of the highest derivatives, and wider networks that start from narrower ones."""

import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Condition, Interval, Problem, laplacian
from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.runs.decisions import Attempt

line = Interval(x=(-1.0, 1.0))


def layer(eps):
    """A layer between two stable states, u = tanh(x / (√2 ε))."""
    exact = lambda x, eps: np.tanh(x / (np.sqrt(2) * eps))
    end = float(exact(1.0, eps))
    conditions = {
        "pde": Condition(lambda u, eps: eps**2 * u.xx + u - u**3, on=line.interior),
        "left": Condition(lambda u: u + end, on=line.lower_face("x")),
        "right": Condition(lambda u: u - end, on=line.upper_face("x")),
    }
    return Problem("layer", line, conditions, coefficients={"eps": eps}, reference=exact)


def flow(viscosity, first=1.0):
    """Two equations whose highest derivatives enter linearly, not linearly, and mixed with others."""
    box = Box(x=(0.0, 1.0), y=(0.0, 2.0))
    equations = lambda u, v: [
        u * u.x + v * u.y - viscosity * laplacian(u) + 3 * u.x,
        jnp.sin(viscosity * v.xx) + viscosity * u * v.yy + u.y,
    ]
    conditions = {
        "inside": Condition(equations, on=box.interior),
        "first": Condition(lambda u, v: first * u.x + v**2, on=box.interior),
        "slip": Condition(lambda u, v: [u.xx + v, v**3], on=box.boundary("x")),
    }
    return Problem("flow", box, conditions, fields=("u", "v"))


def solver_of(problem, width, bandwidth):
    ansatz = find_ansatz(problem)
    return FeatureSolver(ansatz.remaining, lambda own: feature_model(ansatz, width, own, 0), 0), (bandwidth,) * 2


def attempts(found):
    return [decision.candidate for decision in found.history.decisions if isinstance(decision, Attempt)]


@pytest.mark.usefixtures("x64")
def test_the_highest_derivatives_of_the_inside_are_multiplied():
    (mine, bandwidth), (other, _) = solver_of(flow(0.1), 20, 3.0), solver_of(flow(0.3, first=3.0), 20, 3.0)
    assert mine.layer.uses_channels
    shift = 0.3 * np.random.default_rng(0).standard_normal(mine.layer.size)
    emphasised = mine.layer.shifted(mine.params(bandwidth), mine.batch, 3.0)
    declared = other.layer.shifted(other.params(bandwidth), mine.batch)
    values, expected = emphasised.values(shift), declared.values(shift)
    assert np.allclose(values["first"], expected["first"], rtol=1e-12, atol=1e-12)
    assert np.allclose(values["slip"], expected["slip"], rtol=1e-12, atol=1e-12)
    # an operator of one equation that also holds first derivatives, 3 u_x, is multiplied as a whole
    second = slice(1, None, 2)
    assert np.allclose(values["inside"][second], expected["inside"][second], rtol=1e-10, atol=1e-10)
    slope = 1e-6 * shift
    jacobians, _ = emphasised.linearize(shift)
    ahead, behind = emphasised.values(shift + slope), emphasised.values(shift - slope)
    for name, jacobian in jacobians.items():
        along = np.asarray(jacobian) @ slope
        assert np.allclose((ahead[name] - behind[name]) / 2, along, rtol=1e-6, atol=1e-8 * np.abs(along).max())


@pytest.mark.usefixtures("x64")
def test_a_wider_network_takes_over_what_a_narrower_one_found():
    (narrow, bandwidth), (wide, _) = solver_of(flow(0.1), 20, 3.0), solver_of(flow(0.1), 80, 3.0)
    params = narrow.layer.moved(narrow.params(bandwidth), np.random.default_rng(0).standard_normal(narrow.layer.size))
    taken = wide.fitted(wide.params(bandwidth), narrow.model, params)
    x = jnp.asarray(np.random.default_rng(1).random((50, 2)) * np.array([1.0, 2.0]))
    ours, theirs = wide.residuals.fields(taken, x), narrow.residuals.fields(params, x)
    assert all(np.abs(ours[name] - theirs[name]).max() < 1e-3 * np.abs(theirs[name]).max() for name in "uv")


@pytest.mark.slow
def test_a_layer_that_steps_from_zero_do_not_find_is_found():
    found = pinnkit.fit(layer(0.1))
    assert "width 128 by continuation" in attempts(found)
    assert found.summary.relative_l2["u"] < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_reaction_that_dominates_is_found(seed):
    line = Interval(x=(0.0, 1.0))
    conditions = {
        "pde": Condition(lambda u, k: u.xx + k * u * (1 - u) * (u - 0.3), on=line.interior),
        "left": Condition(lambda u: u - 1, on=line.lower_face("x")),
        "right": Condition(lambda u: u, on=line.upper_face("x")),
    }
    found = pinnkit.fit(Problem("reaction", line, conditions, coefficients={"k": 1000.0}), seed=seed)
    assert found.summary.validation_loss < 1e-12


def test_what_steps_from_zero_solve_is_not_continued():
    found = pinnkit.fit(layer(1.0))
    assert not any("continuation" in name for name in attempts(found)) and found.summary.relative_l2["u"] < 1e-9
