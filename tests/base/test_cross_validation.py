"""The weight of a penalty, against the definition of generalised cross-validation and on smoothing splines."""

import numpy as np
import pytest

from pinnkit._base.linalg.cross_validation import GAMMA, STEP, Block, penalty_weight

RANDOM = np.random.default_rng(0)
x = np.linspace(0, 1, 60)
BASIS = np.cos(np.pi * np.arange(25) * x[:, None])
CURVATURE = np.diag((np.pi * np.arange(25)) ** 2)
SIGMA = 0.1
TRUTH = np.sin(5 * x)


def blocks_of(data, constrained=False):
    equations = np.eye(25)[20:] if constrained else np.zeros((1, 25))
    parts = {"equation": equations, "data": BASIS, "smooth": CURVATURE}
    rests = {"equation": np.zeros(len(equations)), "data": -data, "smooth": np.zeros(25)}
    return {name: Block.of(A, rests[name]) for name, A in parts.items()}


def noisy():
    return TRUTH + SIGMA * RANDOM.standard_normal(60)


def cross_validation(data, weight):
    """By the influence matrix, as defined."""
    H = BASIS @ np.linalg.solve(BASIS.T @ BASIS + weight * CURVATURE**2, BASIS.T)
    rest = data - H @ data
    return rest @ rest / (60 - GAMMA * np.trace(H)) ** 2 if GAMMA * np.trace(H) < 60 else np.inf


def test_the_weight_is_that_of_least_cross_validation():
    data = noisy()
    found = penalty_weight(blocks_of(data), ["data"], ["smooth"], 1e-10, 1e2)
    tried = np.geomspace(1e-10, 1e2, 500)
    best = tried[np.argmin([cross_validation(data, weight) for weight in tried])]
    assert abs(np.log(found.value / best)) < np.log(STEP)


def test_misfits_are_those_of_the_fit_with_this_weight():
    data = noisy()
    found = penalty_weight(blocks_of(data, constrained=True), ["data"], ["smooth"], 1e-10, 1e2)
    E = np.eye(25)[20:]
    normal = BASIS.T @ BASIS + E.T @ E + found.value * CURVATURE**2
    H = BASIS @ np.linalg.solve(normal, BASIS.T)
    rest = data - H @ data
    assert found.misfits["data"].square == pytest.approx(rest @ rest, rel=1e-6)
    assert found.misfits["data"].leverage == pytest.approx(np.trace(H), rel=1e-6)
    assert sum(each.leverage for each in found.misfits.values()) == pytest.approx(25, rel=1e-6)


def test_a_spline_of_this_weight_is_closer_to_the_truth_than_one_without():
    errors = []
    for _ in range(20):
        data = noisy()
        weight = penalty_weight(blocks_of(data), ["data"], ["smooth"], 1e-10, 1e2).value
        fit = lambda w, data=data: BASIS @ np.linalg.solve(BASIS.T @ BASIS + w * CURVATURE**2, BASIS.T @ data)
        errors.append([np.linalg.norm(fit(w) - TRUTH) for w in (weight, 1e-12)])
    smooth, rough = np.mean(errors, axis=0)
    assert smooth < 0.7 * rough


def test_a_block_is_rotated_without_changing_least_squares():
    A, b = RANDOM.standard_normal((30, 4)), RANDOM.standard_normal(30)
    block = Block.of(A, b)
    x = RANDOM.standard_normal(4)
    assert len(block.b) == 4 and block.size == 30
    assert np.sum((block.A @ x + block.b) ** 2) + block.beyond == pytest.approx(np.sum((A @ x + b) ** 2))
    assert block.times(2.0).beyond == pytest.approx(4 * block.beyond)
